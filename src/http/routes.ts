import { ACTION_ROUTES } from './actions.ts';
import { APPROVAL_ROUTES } from './approvals.ts';
import { AUDIT_ROUTES } from './audit.ts';
import { EXPLAIN_ROUTES } from './explain.ts';
import { FLAG_ROUTES } from './flags.ts';
import { HEALTH_ROUTES } from './health.ts';
import { HOLD_ROUTES } from './holds.ts';
import { OFREP_ROUTES } from './ofrep.ts';
import { OPERATION_ROUTES } from './operations.ts';
import { openApiRoute } from './openapi.ts';
import { PAUSE_ROUTES } from './pause.ts';
import { RULE_ROUTES } from './rules.ts';
import { SLO_ROUTES } from './slo.ts';
import { STATUS_ROUTES } from './status.ts';
import { WEBHOOK } from './webhook.ts';
import { WORK_ROUTES } from './work.ts';
import type { Route, RouteInfo } from './route.ts';

export const ROUTES: readonly Route[] = [
  ...STATUS_ROUTES,
  ...HEALTH_ROUTES,
  ...AUDIT_ROUTES,
  ...WORK_ROUTES,
  ...OPERATION_ROUTES,
  ...APPROVAL_ROUTES,
  ...EXPLAIN_ROUTES,
  ...HOLD_ROUTES,
  ...PAUSE_ROUTES,
  ...FLAG_ROUTES,
  ...RULE_ROUTES,
  ...ACTION_ROUTES,
  ...SLO_ROUTES,
  ...OFREP_ROUTES,
  openApiRoute(() => ROUTE_INFOS),
];

/** Every route there is, the webhook too: what the docs, the tests and the API's description go by. */
export const ROUTE_INFOS: readonly RouteInfo[] = [WEBHOOK, ...ROUTES];
