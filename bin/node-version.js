// Called first by everything that can be started by hand. Parsed by any Node from 12.
// 22.19 is the floor of undici 8, which the Kubernetes client needs; better-sqlite3 13 crashes below 22.14.
const OLDEST = [22, 19];

function tooOld(version) {
  const parts = version.replace(/^v/, '').split('.').map(Number);
  return parts[0] < OLDEST[0] || (parts[0] === OLDEST[0] && parts[1] < OLDEST[1]);
}

/** Ends the process with a plain message on a Node that cannot run autoheal. */
export function requireNode() {
  if (!tooOld(process.version)) return;
  console.error(
    'autoheal needs Node ' +
      OLDEST.join('.') +
      ' or newer, and this is Node ' +
      process.version +
      '.\n' +
      'Use npm start, npm test or npx autoheal: after a plain npm ci (without --ignore-scripts) they bring Node 24. Or install Node 24.',
  );
  process.exit(1);
}
