/** The rules of the crash tests, one for each way an action can be taken up again after a crash. */
export const CRASH_RULES: Readonly<Record<string, string>> = {
  // Not safe to repeat: probed.
  restart: `
summary: Restarts the thing.
matchers: ['alertname="Restart"', 'thing=~".+"']
steps:
  - action: restart
    with: { thing: '{{ labels.thing }}' }
    verify: { within: 10s, health: true }
`,
  // Safe to repeat, and temporary.
  lease: `
summary: Sets the thing's value for as long as the alert fires.
matchers: ['alertname="Lease"', 'thing=~".+"']
steps:
  - action: set_value
    with: { thing: '{{ labels.thing }}', value: busy }
    lease: 30m
    verify: { within: 10m, resolved: true }
`,
  // Two steps in vain, then a human.
  ladder: `
summary: Nudges, restarts, and tells a human.
matchers: ['alertname="Ladder"', 'thing=~".+"']
steps:
  - action: nudge
    with: { thing: '{{ labels.thing }}' }
    verify: { within: 10s, health: true }
  - action: restart
    with: { thing: '{{ labels.thing }}', heals: 'no' }
    verify: { within: 10s, health: true }
guard: { cooldown: 0s }
otherwise: page
`,
  // The shipped action, whose flag lives in the same database.
  flag: `
summary: Sets a flag for as long as the alert fires.
matchers: ['alertname="Flag"', 'thing=~".+"']
steps:
  - action: set_flag
    with: { flag: '{{ labels.thing }}', value: true }
    lease: 30m
    verify: { within: 10m, resolved: true }
`,
};
