import { hasToken } from './api.js';

/** Return a command that sends a request to the service, which `path` and `query` or `body` describe as for `request`. */
export function curl(path, { query, body } = {}) {
  const url = new URL(`api/${path}`, location.href.split('#')[0]);
  if (query) url.search = new URLSearchParams(query);
  return ['curl -s', quoted(url.href),
    hasToken() && '-H "Authorization: Bearer $PALATE_TOKEN"',
    body && `-H 'Content-Type: application/json' -d ${quoted(JSON.stringify(body))}`].filter(Boolean).join(' ');
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** Return a program that loads the model and then runs some lines. */
export const python = (...lines) => ['import palate', '', 'model = palate.load("model")  # the folder of the model', ...lines, ''].join('\n');

/** Return an id or a text as Python writes it: JSON's escapes are Python's, too. */
export const literal = JSON.stringify;
