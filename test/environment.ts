import { type Config, type Env, type LoadedConfig, loadConfig } from '../src/config.ts';

export const TOKEN = 'wT3-very-long-secret-0123456789';

/** A disk of these files only. */
function disk(files: Readonly<Record<string, string>>): (path: string) => string {
  return (path) => {
    const text = files[path];
    if (text !== undefined) return text;
    throw Object.assign(new Error(`no such file ${path}`), { code: 'ENOENT' });
  };
}
export function load(env: Env, files: Readonly<Record<string, string>> = {}): LoadedConfig {
  return loadConfig(env, disk(files));
}
export function configOf(env: Env, files?: Readonly<Record<string, string>>): Config {
  const loaded = load(env, files);
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  return loaded.config;
}
export function problemsOf(env: Env, files?: Readonly<Record<string, string>>): readonly string[] {
  const loaded = load(env, files);
  return loaded.ok ? [] : loaded.problems;
}
export function noticesOf(env: Env): readonly string[] {
  const loaded = load(env);
  return loaded.ok ? loaded.notices : ['not ok'];
}
