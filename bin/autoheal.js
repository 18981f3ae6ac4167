#!/usr/bin/env node
// Plain JavaScript of the oldest kind: any Node from 12 must be able to read this file, so that one
// which cannot run autoheal says so in two lines instead of a stack trace.
import { existsSync } from 'fs';
import { requireNode } from './node-version.js';

requireNode();

// A checkout runs from source. The published package carries dist/ only, because Node does not strip
// types below node_modules.
const source = new URL('../src/cli.ts', import.meta.url);
const built = new URL('../dist/src/cli.js', import.meta.url);
void import(existsSync(source) ? source.href : built.href);
