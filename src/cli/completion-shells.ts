import type { CompletedCommand, CompletedOption, Values } from './completion-tree.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** The script that a shell reads; made from the commands, so it knows those of this version. */
export function scriptFor(shell: Shell, commands: readonly CompletedCommand[]): string {
  if (shell === 'fish') return fishScript(commands);
  return [HEADS[shell], wordsFunction(commands), stepFunction(commands), RULES, TAILS[shell]].join(
    '\n',
  );
}

/** In single quotes of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** What a place can hold: words, one a line, or a name of the shell's own (`@files`). */
function listed(values: Values): readonly string[] {
  return values.kind === 'words' ? values.words : values.kind === 'any' ? [] : [`@${values.kind}`];
}

/* ---------------------------------------------------------------- bash and zsh */

const HEADS = {
  bash: '# bash completion of autoheal. Put into ~/.bashrc: source <(autoheal completion bash)\n# For `npx autoheal` also: alias autoheal="npx autoheal"',
  zsh: '#compdef autoheal\n# zsh completion of autoheal. Put into ~/.zshrc, behind compinit: source <(autoheal completion zsh)\n# For `npx autoheal` also: alias autoheal="npx autoheal"',
};

/** Keys: `alerts|-` its options, `alerts|--state` values of one, `alerts|0` its first argument. */
function wordsFunction(commands: readonly CompletedCommand[]): string {
  const cases = commands.flatMap(({ path, commands: below, options, args, variadic }) => [
    casePrinting(
      [`${path}|-`],
      options.flatMap(({ flags }) => flags),
    ),
    ...options.flatMap(({ flags, values }) =>
      values === null
        ? []
        : [
            casePrinting(
              flags.map((flag) => `${path}|${flag}`),
              listed(values),
            ),
          ],
    ),
    casePrinting([`${path}|0`], [...below.map(({ name }) => name), ...listed(args[0] ?? NOTHING)]),
    ...args.slice(1).map((values, at) => casePrinting([`${path}|${at + 1}`], listed(values))),
    ...(variadic
      ? [
          `    ${quoted(`${path}|`)}[0-9]*) _autoheal_words ${quoted(`${path}|${args.length - 1}`)} ;;`,
        ]
      : []),
  ]);
  return `_autoheal_words() {\n  case "$1" in\n${cases.filter((line) => line !== '').join('\n')}\n  esac\n}`;
}
const NOTHING: Values = { kind: 'any' };

function casePrinting(keys: readonly string[], words: readonly string[]): string {
  if (words.length === 0) return '';
  return `    ${keys.map(quoted).join('|')}) printf '%s\\n' ${words.map(quoted).join(' ')} ;;`;
}

/** One word of the line: a command goes on from `at`, an option may want the next word, others are counted. */
function stepFunction(commands: readonly CompletedCommand[]): string {
  const into = commands.flatMap(({ path, commands: below }) =>
    below.map(({ name }) => {
      const next = `${path} ${name}`.trimStart();
      return `    ${quoted(`${path}|${name}`)}) at=${quoted(next)}; count=0 ;;`;
    }),
  );
  const takes = commands.flatMap(({ path, options }) =>
    options
      .filter(({ values }) => values !== null)
      .flatMap(({ flags }) => flags.map((flag) => quoted(`${path}|${flag}`))),
  );
  return [
    '# Reads one word; sets at, count and takes of its caller.',
    '_autoheal_step() {',
    '  if [ -n "$takes" ]; then takes=""; return; fi',
    '  case "$at|$1" in',
    ...into,
    `    ${takes.join('|')}) takes="$at|$1" ;;`,
    "    *'|'-*) ;;",
    '    *) count=$((count + 1)) ;;',
    '  esac',
    '}',
  ].join('\n');
}

const RULES = `# Names of the rules in a folder.
_autoheal_rules() {
  local name
  for name in $(cd -- "$1" 2>/dev/null && command ls); do
    case "$name" in
      *.test.yaml|*.test.yml) ;;
      *.yaml|*.yml) printf '%s\\n' "\${name%.y*ml}" ;;
    esac
  done
}`;

const TAILS = {
  bash: `_autoheal() {
  local cur=\${COMP_WORDS[COMP_CWORD]} at='' takes='' count=0 rules=\${AUTOHEAL_RULES:-rules} index word before='' list kind
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    # bash makes three words of --rules=x.
    [[ $word == '=' ]] && continue
    [[ $before == --rules ]] && rules=\${word/#\\~/\${HOME-}}
    _autoheal_step "$word"
    before=$word
  done
  [[ $cur == '=' ]] && cur=''
  if [[ -n $takes ]]; then list=$(_autoheal_words "$takes")
  elif [[ $cur == -* ]]; then list=$(_autoheal_words "$at|-")
  else list=$(_autoheal_words "$at|$count"); fi
  kind=(-W "$list")
  case "$list" in
    *@rules) kind=(-W "\${list%@rules}$(_autoheal_rules "$rules")") ;;
    *@files) kind=(-f -W "\${list%@files}"); compopt -o filenames 2>/dev/null ;;
    *@folders) kind=(-d -W "\${list%@folders}"); compopt -o filenames 2>/dev/null ;;
  esac
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen "\${kind[@]}" -- "$cur")
}
complete -F _autoheal autoheal
`,
  zsh: `_autoheal() {
  local at='' takes='' count=0 rules=\${AUTOHEAL_RULES:-rules} before='' word list cur=$words[CURRENT]
  local -a found
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ $before == --rules ]] && rules=\${word/#\\~/\${HOME-}}
    [[ $word == --rules=* ]] && rules=\${word#*=}
    _autoheal_step "$word"
    before=$word
  done
  if [[ $cur == --*=* && -z $takes ]]; then
    takes="$at|\${cur%%=*}"
    compset -P '*='
  fi
  if [[ -n $takes ]]; then list=$(_autoheal_words "$takes")
  elif [[ $cur == -* ]]; then list=$(_autoheal_words "$at|-")
  else list=$(_autoheal_words "$at|$count"); fi
  found=(\${(f)list})
  case "$list" in
    *@rules) found=(\${found:#@rules} \${(f)"$(_autoheal_rules "$rules")"}) ;;
    *@files) _files; found=(\${found:#@files}) ;;
    *@folders) _files -/; found=(\${found:#@folders}) ;;
  esac
  compadd -a found
}
compdef _autoheal autoheal
`,
};

/* ---------------------------------------------------------------- fish */

/** In single quotes of fish, where only these two are special. */
function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', String.raw`\\`).replaceAll("'", String.raw`\'`)}'`;
}

function fishScript(commands: readonly CompletedCommand[]): string {
  const into = commands.flatMap(({ path, commands: below }) =>
    below.map(({ name }) => fishQuoted(`${path}|${name}`)),
  );
  const takes = commands.flatMap(({ path, options }) =>
    options
      .filter(({ values }) => values !== null)
      .flatMap(({ flags }) => flags.map((flag) => fishQuoted(`${path}|${flag}`))),
  );
  return `${[
    '# fish completion of autoheal. Put into ~/.config/fish/config.fish: autoheal completion fish | source',
    `set -g __autoheal_into ${into.join(' ')}`,
    `set -g __autoheal_takes ${takes.join(' ')}`,
    FISH,
    ...commands.flatMap(fishLines),
  ].join('\n')}\n`;
}

const FISH = `function __autoheal_at
    set -l at ''
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if contains -- "$at|$word" $__autoheal_into
            set at (string trim -- "$at $word")
        else if contains -- "$at|$word" $__autoheal_takes
            set skip 1
        end
    end
    test "$at" = "$argv[1]"
end
function __autoheal_rules
    set -l folder rules
    set -q AUTOHEAL_RULES; and set folder $AUTOHEAL_RULES
    set -l words (commandline -opc)
    set -l index (contains -i -- --rules $words); and set folder $words[(math $index + 1)]
    for file in $folder/*.yaml
        string match -q '*.test.yaml' -- $file; or basename $file .yaml
    end
end
complete -c autoheal -f`;

function fishLines({ path, commands, options, args }: CompletedCommand): readonly string[] {
  const at = `complete -c autoheal -n ${fishQuoted(`__autoheal_at ${fishQuoted(path)}`)}`;
  return [
    ...commands.map(({ name, about }) => `${at} -a ${name} -d ${fishQuoted(about)}`),
    ...options.map((option) => `${at} ${fishOption(option)}`),
    ...args.flatMap((values) => (values.kind === 'any' ? [] : [`${at} ${fishValues(values)}`])),
  ];
}

function fishOption({ flags, about, values }: CompletedOption): string {
  const names = flags.map((flag) =>
    flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
  );
  const wants = values === null ? [] : ['-r', fishValues(values)];
  return [...names, ...wants, `-d ${fishQuoted(about)}`].filter((part) => part !== '').join(' ');
}

function fishValues(values: Values): string {
  if (values.kind === 'any') return '';
  if (values.kind === 'words') return `-a ${fishQuoted(values.words.join(' '))}`;
  return {
    rules: "-a '(__autoheal_rules)'",
    files: '-F',
    folders: "-a '(__fish_complete_directories)'",
  }[values.kind];
}
