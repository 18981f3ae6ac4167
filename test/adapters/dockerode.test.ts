import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { loadDockerode } from '../../src/adapters/dockerode.ts';

const require = createRequire(import.meta.url);

test('dockerode comes without gRPC, protobuf and ssh2', () => {
  const Docker = loadDockerode();
  expect(new Docker({ socketPath: '/nonexistent' }).getContainer('a').id).toBe('a');
  const loaded = Object.keys(require.cache);
  expect(
    loaded.filter((file) => file.endsWith('node_modules/dockerode/lib/docker.js')),
  ).toHaveLength(1);
  expect(loaded.filter((file) => /node_modules\/(@grpc|protobufjs|ssh2)\//.test(file))).toEqual([]);
});

test('it is the same one the second time', () => {
  expect(loadDockerode()).toBe(loadDockerode());
});

test('what was left out says so', async () => {
  const Docker = loadDockerode();
  const ping = new Docker({ protocol: 'ssh', host: 'example.com' }).ping();
  await expect(ping).rejects.toThrow(
    'ssh:// as an address of the Docker engine is not part of autoheal',
  );
});
