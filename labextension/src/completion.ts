import { FieldList } from './contract';

/**
 * What can be written at the caret of a filter, and which part of the text it
 * replaces.
 */
export interface ICompletion {
  readonly start: number;
  readonly end: number;
  readonly options: readonly IOption[];
  /** The field whose values are to be offered, once they are known. */
  readonly valuesOf: string | null;
}

export interface IOption {
  readonly text: string;
  readonly kind:
    | 'metric'
    | 'param'
    | 'tag'
    | 'data'
    | 'field'
    | 'operator'
    | 'word'
    | 'value';
}

interface IToken {
  kind:
    | 'word'
    | 'quoted'
    | 'text'
    | 'number'
    | 'operator'
    | 'open'
    | 'close'
    | 'comma';
  text: string;
  start: number;
  end: number;
  closed: boolean;
}

type Expected = 'field' | 'operator' | 'value' | 'junction' | 'nothing';

const TOKEN =
  /\s*(?:(?<text>'(?:[^']|'')*'?|"(?:[^"]|"")*"?)|(?<quoted>(?:[^\W\d][\w]*\.)?`(?:[^`]|``)*`?)|(?<operator><=|>=|!=|<>|==|=|<|>)|(?<number>[+-]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))|(?<open>\()|(?<close>\))|(?<comma>,)|(?<word>[^\s'"`<>=!(),]+))/y;
const BARE = /^[^\W\d](?:[\w.:/@-]|\[[\w.-]*\])*$/;
const STATUSES = ['FINISHED', 'RUNNING', 'FAILED', 'KILLED'];
/** Of the data a run read. */
const DATA_FIELDS = [
  'dataset.name',
  'dataset.location',
  'dataset.hash',
  'dataset.role'
];
const TEXT_FIELDS = [
  'name',
  'experiment',
  'status',
  'status_reason',
  'note',
  'notebook',
  'parent_id',
  'run_id'
];
const NUMBER_FIELDS = ['number', 'duration', 'start_time', 'end_time'];
const MOST = 12;

/**
 * A name as a filter spells it: `metrics.f1`, or `` metrics.`F1 score` ``.
 */
export function spellField(kind: string, name: string): string {
  return BARE.test(name) && !name.endsWith('.')
    ? `${kind}.${name}`
    : `${kind}.\`${name.replace(/`/g, '``')}\``;
}

/**
 * A text as a filter spells it.
 */
export function spellText(text: string): string {
  return `'${text.replace(/'/g, "''")}'`;
}

/**
 * What can stand at `caret` of a filter that is being written.
 */
export function complete(
  text: string,
  caret: number,
  fields: FieldList,
  values: ReadonlyMap<string, readonly string[]> = new Map()
): ICompletion {
  const before = tokenize(text.slice(0, caret));
  const last = before[before.length - 1];
  const typing = last !== undefined && last.end === caret && isOpen(last);
  const done = typing ? before.slice(0, -1) : before;
  const [expected, field] = expectation(done);
  const typed = typing ? last.text : '';
  const start = typing ? last.start : caret;
  const offer = (
    options: IOption[],
    valuesOf: string | null = null
  ): ICompletion => ({
    start,
    end: caret,
    options: rank(options, typed),
    valuesOf
  });
  switch (expected) {
    case 'field':
      return offer([
        ...fields.metrics.map(name =>
          option(spellField('metrics', name), 'metric')
        ),
        ...fields.params.map(name =>
          option(spellField('params', name), 'param')
        ),
        ...fields.tags.map(name => option(spellField('tags', name), 'tag')),
        ...DATA_FIELDS.map(name => option(name, 'data')),
        ...[...TEXT_FIELDS, ...NUMBER_FIELDS].map(name =>
          option(name, 'field')
        ),
        option('NOT', 'word')
      ]);
    case 'operator':
      return offer(operatorsOf(field).map(name => option(name, 'operator')));
    case 'value': {
      const known = field === 'status' ? STATUSES : values.get(field);
      const wanted = known === undefined && !isNumber(field) ? field : null;
      return offer(
        (known ?? []).map(value => option(spellText(value), 'value')),
        wanted
      );
    }
    case 'junction':
      return offer(['AND', 'OR'].map(name => option(name, 'word')));
    case 'nothing':
      return { start: caret, end: caret, options: [], valuesOf: null };
  }
}

/**
 * The text with an option taken, and where the caret goes: behind it and a
 * space, so that the next thing can be written at once.
 */
export function accept(
  text: string,
  completion: ICompletion,
  chosen: IOption
): { text: string; caret: number } {
  const rest = text.slice(completion.end);
  const space = rest.startsWith(' ') ? '' : ' ';
  const written = text.slice(0, completion.start) + chosen.text + space;
  return {
    text: written + rest,
    caret: written.length + (space === '' ? 1 : 0)
  };
}

/**
 * Where the server says that a filter is wrong: a place in the text from 0, or
 * null when it names none.
 */
export function placeOfProblem(message: string): number | null {
  const found = /\bat character (\d+)\b/.exec(message);
  return found === null ? null : Number(found[1]) - 1;
}

function tokenize(text: string): IToken[] {
  const tokens: IToken[] = [];
  TOKEN.lastIndex = 0;
  for (;;) {
    const found = TOKEN.exec(text);
    if (found === null) {
      return tokens;
    }
    const [kind, value] = Object.entries(found.groups ?? {}).find(
      ([, value]) => value !== undefined
    ) as [IToken['kind'], string];
    const start = found.index + found[0].length - value.length;
    const quote = kind === 'text' ? value[0] : kind === 'quoted' ? '`' : '';
    const closed =
      quote === '' || isClosed(value.slice(value.indexOf(quote)), quote);
    tokens.push({
      kind,
      text: value,
      start,
      end: start + value.length,
      closed
    });
  }
}

function isClosed(quoted: string, quote: string): boolean {
  return quoted.length > 1 && (quoted.split(quote).length - 1) % 2 === 0;
}

/**
 * Whether a token at the caret may still be on its way.
 */
function isOpen(token: IToken): boolean {
  return token.kind === 'word' || token.kind === 'operator' || !token.closed;
}

function expectation(tokens: IToken[]): [Expected, string] {
  let expected: Expected = 'field';
  let field = '';
  let inList = false;
  for (const token of tokens) {
    const word = token.kind === 'word' ? token.text.toLowerCase() : '';
    if (expected === 'field') {
      if (token.kind === 'word' || token.kind === 'quoted') {
        if (word !== 'not') {
          field = token.text;
          expected = 'operator';
        }
      } else if (token.kind !== 'open') {
        return ['nothing', ''];
      }
    } else if (expected === 'operator') {
      if (token.kind === 'operator' || word === 'like' || word === 'ilike') {
        expected = 'value';
      } else if (word === 'null') {
        expected = 'junction';
      } else if (word === 'in') {
        expected = 'value';
        inList = true;
      } else if (word !== 'is' && word !== 'not') {
        return ['nothing', ''];
      }
    } else if (expected === 'value') {
      if (inList) {
        inList = token.kind !== 'close';
        expected = inList ? 'value' : 'junction';
      } else {
        expected = 'junction';
      }
    } else if (word === 'and' || word === 'or') {
      expected = 'field';
    } else if (token.kind !== 'close') {
      return ['nothing', ''];
    }
  }
  return [expected, field];
}

function operatorsOf(field: string): string[] {
  if (isNumber(field)) {
    return ['>', '>=', '<', '<=', '=', '!=', 'IS NULL', 'IS NOT NULL'];
  }
  const ordered = field.startsWith('params.') ? ['>', '<', '>=', '<='] : [];
  return [
    '=',
    '!=',
    ...ordered,
    'LIKE',
    'ILIKE',
    'IN',
    'IS NULL',
    'IS NOT NULL'
  ];
}

function isNumber(field: string): boolean {
  return field.startsWith('metric') || NUMBER_FIELDS.includes(field);
}

function option(text: string, kind: IOption['kind']): IOption {
  return { text, kind };
}

/**
 * The options that hold what was typed: those that begin with it first, then
 * those whose name does, then the others.
 */
function rank(options: IOption[], typed: string): IOption[] {
  const wanted = typed.toLowerCase().replace(/^['"]/, '');
  const score = ({ text }: IOption): number => {
    const whole = text.toLowerCase().replace(/^'/, '');
    const name = whole.replace(/^(metrics|params|tags|dataset)\.`?/, '');
    return whole.startsWith(wanted)
      ? 0
      : name.startsWith(wanted)
        ? 1
        : whole.includes(wanted)
          ? 2
          : 3;
  };
  return options
    .map((option, index) => ({ option, index, score: score(option) }))
    .filter(({ option, score }) => score < 3 && option.text !== typed)
    .sort((one, other) => one.score - other.score || one.index - other.index)
    .slice(0, MOST)
    .map(({ option }) => option);
}
