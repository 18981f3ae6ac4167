import {
  fileVariable,
  type Secret,
  VARIABLE_NAMES,
  VARIABLES,
} from '../../src/config-variables.ts';
import { code, type Page, table } from './markdown.ts';

const SHOWN: Readonly<Record<Secret, string>> = {
  none: 'as it is',
  userinfo: 'without user and password',
  all: 'never',
};

/** Every environment variable. */
export function configurationPage(): Page {
  const rows = VARIABLE_NAMES.map((name) => {
    const { fallback, secret, summary } = VARIABLES[name];
    const names = [name, fileVariable(name)].filter((one) => one !== undefined);
    const shown = fallback === null ? 'unset' : code(fallback);
    return [names.map(code).join('<br>'), shown, SHOWN[secret], summary];
  });
  return {
    name: 'configuration',
    title: 'Reference: environment variables',
    about: 'every variable that autoheal reads, its default, and whether it is kept secret',
    body: [
      'Read once, at start. [Configuration](../configuration.md) says how they are read, how secrets come from files (the',
      'second names, ending in `_FILE`), and what may surprise. `npx autoheal config` shows what they mean here.',
      '',
      ...table(['variable', 'default', 'is shown', 'what it does'], rows),
    ],
  };
}
