import type Docker from 'dockerode';
import { findContainer, inspectContainer } from '../adapters/containers.ts';
import { classifyDocker, createDocker } from '../adapters/docker.ts';
import { policyAllows } from '../core/rules/policy-compile.ts';
import { ASK_TIMEOUT_MS } from './ask.ts';
import { type Finding, listed, notebook, type Notebook } from './finding.ts';
import type { Installation } from './installation.ts';

/** Reachable, and what of the rules' needs can be seen without acting. */
export async function checkDocker(of: Installation): Promise<readonly Finding[]> {
  const note = notebook('docker');
  const { needs } = of;
  const adapter = createDocker({ host: of.config.docker_host, env: of.env });
  const status = await adapter.component.status();
  const needed = needs.docker.length > 0;
  if (status.status !== 'ok') {
    sayAway(note, of, status);
    return note.findings();
  }
  note.ok(status.detail);
  if (!needed) {
    note.skip('no enabled rule needs Docker');
    return note.findings();
  }
  try {
    const docker = await adapter.client();
    await call(docker.ping.bind(docker));
    await checkContainers(note, docker, of);
    if (needs.swarm.length > 0) await checkSwarm(note, docker, of);
  } catch (error) {
    note.fail(
      classifyDocker(error).message,
      'allow autoheal these calls (a socket proxy: CONTAINERS=1, PING=1, VERSION=1, POST=1)',
    );
  }
  return note.findings();
}

function sayAway(
  note: Notebook,
  { needs, config, shipped_rules }: Installation,
  { status, detail }: { readonly status: string; readonly detail: string },
): void {
  const fix = 'set AUTOHEAL_DOCKER_HOST to an engine that answers';
  if (needs.docker.length > 0) {
    const what = `${detail}; needed by ${listed(needs.docker)}`;
    const or = `${fix}, or disable those rules (enabled: false)`;
    if (shipped_rules && config.docker_host === undefined) note.warn(what, or);
    else note.fail(what, or);
  } else if (status === 'off') note.skip(`${detail}; no enabled rule needs it`);
  else note.warn(`${detail}; no enabled rule needs it`, fix);
}

async function checkContainers(note: Notebook, docker: Docker, of: Installation): Promise<void> {
  const abortSignal = AbortSignal.timeout(ASK_TIMEOUT_MS);
  const all = await docker.listContainers({ all: true, abortSignal });
  const labelled = all.filter((one) => one.Labels['autoheal'] === 'true').length;
  const named = (of.rules?.policy.targets ?? []).filter((one) => !one.startsWith('k8s/')).length;
  note.ok(
    `tested: ping, version, list. Not tested: restart, start and stop, which cannot be tried without acting`,
  );
  const what = `${all.length} containers, ${labelled} labelled autoheal=true, ${named} policy targets`;
  if (labelled + named > 0) note.ok(what);
  else
    note.warn(
      `${what}: nothing has opted in, so no container would be touched`,
      'label containers autoheal=true, or name them under targets in the policy',
    );
  for (const ref of of.needs.containers) await checkContainer(note, docker, ref, of);
}

async function checkContainer(
  note: Notebook,
  docker: Docker,
  ref: string,
  { rules }: Installation,
): Promise<void> {
  const signal = AbortSignal.timeout(ASK_TIMEOUT_MS);
  try {
    const id = await findContainer(docker, ref, signal);
    const { name, labels } = await inspectContainer(docker, id, signal);
    const named = rules !== undefined && policyAllows(rules.policy, `docker/${id}`, name);
    if (labels['autoheal'] === 'true' || named)
      note.ok(`container ${ref}, which a rule names, is there and has opted in`);
    else
      note.warn(
        `container ${ref}, which a rule names, has not opted in: it would not be touched`,
        `label it autoheal=true, or name docker/${name} under targets in the policy`,
      );
  } catch (error) {
    note.warn(
      classifyDocker(error).message,
      'correct the name in the rule (container:, then:), or start it',
    );
  }
}

async function checkSwarm(note: Notebook, docker: Docker, of: Installation): Promise<void> {
  const info = await call<{
    readonly Swarm?: { readonly LocalNodeState?: string; readonly ControlAvailable?: boolean };
  }>(docker.info.bind(docker));
  if (info.Swarm?.ControlAvailable === true) note.ok('the engine is a Swarm manager');
  else
    note.fail(
      `the engine is no Swarm manager (node state ${info.Swarm?.LocalNodeState ?? 'unknown'}); needed by ${listed(of.needs.swarm)}`,
      'point AUTOHEAL_DOCKER_HOST to a manager, or run: docker swarm init',
    );
}

/** The library takes the signal in these calls as in all others; its types do not say so. */
async function call<T>(ask: () => Promise<T>): Promise<T> {
  const bounded = ask as (options: { readonly abortSignal: AbortSignal }) => Promise<T>;
  return await bounded({ abortSignal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
}
