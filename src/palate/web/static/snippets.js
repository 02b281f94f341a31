import { hasToken } from './api.js';
import { busyButton, el } from './dom.js';

const SHOWN_FOR = 2000;

/** A button that copies a text, or what a function returns when it is pressed. */
export function copyButton(name, text) {
  const status = el('span', { class: 'visually-hidden', role: 'status' });
  const fallback = el('textarea', { readonly: true, hidden: true, rows: 6, 'aria-label': `${name}: the text` });
  let timer;
  const say = (shown, spoken) => [button.textContent, status.textContent] = [shown, spoken];
  const copy = async () => {
    const content = typeof text === 'function' ? text() : text;
    // A browser does not allow it where the page came by plain HTTP from another machine.
    const isCopied = await Promise.resolve().then(() => navigator.clipboard.writeText(content)).then(() => true, () => false);
    fallback.hidden = isCopied;
    fallback.value = content;
    if (!isCopied) return fallback.select();
    clearTimeout(timer);
    say('Copied', 'Copied');
    timer = setTimeout(say, SHOWN_FOR, name, '');
  };
  const button = el('button', { type: 'button', class: 'button quiet', on: { click: copy } }, name);
  return el('span', { class: 'copy' }, button, status, fallback);
}

/** Buttons that copy what is shown as code; `python` and `curl` are texts, or functions that return them. */
export const snippets = ({ python: program, curl: command }) =>
  [program && copyButton('Copy as Python', program), command && copyButton('Copy as curl', command)];

/** Return a command that sends a request to the service, which `path` and `query` or `body` describe as for `request`. */
export function curl(path, { query, body } = {}) {
  const url = new URL(`api/${path}`, location.href.split('#')[0]);
  if (query) url.search = new URLSearchParams(query);
  return ['curl -sS', quoted(url.href),
    hasToken() && '-H "Authorization: Bearer $PALATE_TOKEN"',
    body && `-H 'Content-Type: application/json' -d ${quoted(JSON.stringify(body))}`].filter(Boolean).join(' ');
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** Return a program that loads the model and then runs some lines. */
export const python = (...lines) => ['import palate', '', 'model = palate.load("model")  # the folder of the model', ...lines, ''].join('\n');

/** Return an id or a text as Python writes it: JSON's escapes are Python's, too. */
export const literal = (value) => JSON.stringify(value);

/** A button that downloads a table as CSV; `content` returns a blob, or rows, the first with the names of the columns. */
export function downloadButton(file, content) {
  return busyButton('Download CSV', async () => {
    const found = await content();
    const url = URL.createObjectURL(found instanceof Blob ? found : new Blob([csv(found)], { type: 'text/csv' }));
    el('a', { href: url, download: file }).click();
    URL.revokeObjectURL(url);
  });
}

const csv = (rows) => rows.map((row) => `${row.map(csvField).join(',')}\r\n`).join('');

function csvField(value) {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
