import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dashboardFiles } from './dashboards/files.ts';

/** `npm run dashboards`: grafana/dashboards/ and docs/dashboards.md from scripts/dashboards/. */
for (const [path, text] of dashboardFiles()) {
  writeFileSync(join(import.meta.dirname, '..', path), text);
  console.log(`wrote ${path}`);
}
