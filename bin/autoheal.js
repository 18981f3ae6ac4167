#!/usr/bin/env node
// Plain JavaScript of the oldest kind: any Node from 12 must be able to read this file, so that one
// which cannot run autoheal says so in two lines instead of a stack trace.
import { existsSync } from 'fs';
import * as module from 'module';
import { fileURLToPath } from 'url';
import { requireNode } from './node-version.js';

requireNode();

// A checkout runs from source. The published package carries dist/ only, because Node does not strip
// types below node_modules.
const source = new URL('../src/cli.ts', import.meta.url);
const built = new URL('../dist/src/cli.js', import.meta.url);
// From the second start on, the compiled code comes from here: stripping types costs 250 ms of CPU and 40 MB.
// Its own folder, not the shared temporary one, where others could leave code for us to run.
const cache = new URL('../node_modules/.cache/autoheal/', import.meta.url);
if (module.enableCompileCache) module.enableCompileCache(fileURLToPath(cache));

void withoutLocales()
  .then(function run() {
    return import(existsSync(source) ? source.href : built.href);
  })
  .then(function keepCompiled() {
    // A process that is killed writes nothing at its end.
    if (module.flushCompileCache) module.flushCompileCache();
    return undefined;
  });

/**
 * Loads zod without its messages in 60 languages: 64 of its 95 files, half the CPU of loading it, and 10 MB, of which nothing
 * is shown. English stands apart from them. Whoever is asked for the list gets an empty one.
 */
function withoutLocales() {
  if (!module.registerHooks) return import('zod');
  const hooks = module.registerHooks({ resolve: emptyLocales });
  return import('zod').finally(function asBefore() {
    hooks.deregister();
  });
}

function emptyLocales(specifier, context, next) {
  if (specifier !== '../locales/index.js') return next(specifier, context);
  return { url: 'data:text/javascript,', format: 'module', shortCircuit: true };
}
