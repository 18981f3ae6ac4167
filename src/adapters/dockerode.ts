import { createRequire, Module } from 'node:module';
import type Docker from 'dockerode';

/**
 * dockerode without what is never used here: building images (its session brings gRPC and protobuf along) and
 * ssh:// (the endpoint is a socket or TCP). They are four fifths of the CPU of loading it, and 10 MB.
 * Whoever calls them all the same gets an error that says so.
 */
export function loadDockerode(): typeof Docker {
  const require = createRequire(import.meta.url);
  const inside = createRequire(require.resolve('dockerode'));
  leaveOut(inside, './session.js', 'building images with BuildKit');
  leaveOut(inside, 'docker-modem/lib/ssh.js', 'ssh:// as an address of the Docker engine');
  return require('dockerode') as typeof Docker;
}

function leaveOut(require: NodeJS.Require, file: string, what: string): void {
  const path = require.resolve(file);
  const empty = new Module(path);
  empty.exports = function notIncluded() {
    throw new Error(`${what} is not part of autoheal`);
  };
  empty.loaded = true;
  require.cache[path] ??= empty;
}
