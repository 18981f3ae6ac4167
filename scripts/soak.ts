import { soak } from '../test/crash/soak.ts';

/** `npm run soak [-- minutes]`: the service at work for 10 minutes, or as many as given; fails when it leaks or gets stuck. */
const MINUTES = 10;
const SAMPLE_EVERY_MS = 10_000;

const given = process.argv[2];
const minutes = given === undefined ? MINUTES : Number(given);
if (!(minutes > 0)) {
  console.error(`${given} is no number of minutes; write: npm run soak -- 10`);
  process.exit(2);
}
const { problems } = await soak({
  duration_ms: minutes * 60_000,
  sample_every_ms: SAMPLE_EVERY_MS,
  say: (line) => console.log(line),
});
for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? 'flat memory, no stuck row' : `${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);
