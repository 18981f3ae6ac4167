import type { Command } from 'commander';
import { registerApprovals } from './approvals.ts';
import { registerAudit } from './audit.ts';
import { registerDeliveries } from './deliveries.ts';
import { registerFlags } from './flags.ts';
import { registerHolds } from './holds.ts';
import { registerOperations } from './operations.ts';
import { registerRules } from './rules.ts';
import { registerWork } from './work.ts';

/** The HTTP API from a terminal (docs/cli.md). */
export function registerApi(program: Command): void {
  registerWork(program);
  registerRules(program);
  registerAudit(program);
  registerDeliveries(program);
  registerApprovals(program);
  registerOperations(program);
  registerHolds(program);
  registerFlags(program);
}
