import { hasToken } from '../api.js';

const COLUMNS = ['rank', 'id', 'item', 'score', 'chance', 'prediction', 'lower', 'upper', 'ratings'];

/** The rows of a list as a table, the first with the names of its columns. */
export const csvRows = (found) => [COLUMNS, ...found.map((one) => COLUMNS.map((name) => one[name]))];

/** A program that prints the list; `history` has the item and the value of each entry, `options` says how the list is made. */
export function python({ history, isPicking, n, exclude, options }) {
  const entry = ({ id, item, value }) => `    ${literal(id)}${isPicking ? '' : `: ${value}`},${item === undefined ? '' : `  # ${oneLine(item)}`}`;
  const [open, close] = isPicking ? ['[', ']'] : ['{', '}'];
  const person = history.length ? [`${open}`, ...history.map(entry), close].join('\n') : `${open}${close}`;
  const given = Object.entries(options).map(([name, value]) => `, ${name}=${literal(value)}`).join('');
  const without = exclude.length ? `, exclude=[${exclude.map(literal).join(', ')}]` : '';
  return `import palate\n\nmodel = palate.load("model")  # the folder that palate explore was given\nme = model.profile(${person})\nprint(me.recommend(${n}${given}${without}))\n`;
}

/** A command that asks this service for the list. */
export function curl({ history, isPicking, n, exclude, options }) {
  const person = isPicking ? { items: history.map(({ id }) => id) } : { ratings: history.map(({ id, value }) => ({ item: id, rating: value })) };
  const body = JSON.stringify({ ...person, n, ...options, ...(exclude.length && { exclude }) });
  const address = new URL('api/recommendations', location.href.split('#')[0]).href;
  const lines = [`curl -sS ${quoted(address)}`, ...(hasToken() ? ['-H "Authorization: Bearer $PALATE_TOKEN"'] : []), "-H 'Content-Type: application/json'", `-d ${quoted(body)}`];
  return `${lines.join(' \\\n  ')}\n`;
}

// What JSON writes for numbers and text, Python reads.
const literal = (value) => JSON.stringify(value);

// A title must not end the comment that it is in.
const oneLine = (text) => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
