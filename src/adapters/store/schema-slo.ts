/**
 * What the service counts of its own objectives. `slo_counts` has a row a minute and another an hour (span_s), so that
 * a look over 30 days adds up 720 hours and the minutes before the first of them. A stretch of heartbeats goes on until
 * one did not come for two minutes: a month without an outage is one row.
 */
export const SLO = `
create table slo_counts (
  span_s integer not null,
  at_s integer not null,
  slo text not null,
  drill integer not null,
  good integer not null,
  total integer not null,
  primary key (span_s, at_s, slo, drill)
) strict, without rowid;
create table slo_beats (from_ms integer primary key, to_ms integer not null) strict;
`;
