const TOKEN = 'palate-token';
const PAGE = 200;

/** What the service says was wrong. */
export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export function keepToken(token) {
  sessionStorage.setItem(TOKEN, token);
}

export function hasToken() {
  return sessionStorage.getItem(TOKEN) !== null;
}

/** Ask the service; with a body, by POST. */
export async function ask(path, { query, body, signal } = {}) {
  const address = query ? `api/${path}?${new URLSearchParams(query)}` : `api/${path}`;
  const response = await sent(address, {
    method: body ? 'POST' : 'GET',
    headers: headers(body),
    body: body && JSON.stringify(body),
    signal,
  });
  const told = await response.json().catch(() => ({}));
  if (response.ok) return told;
  if (response.status === 401) dispatchEvent(new Event('locked'));
  throw new Problem(response.status, told.detail ?? `the service answered ${response.status}`);
}

function headers(body) {
  const token = sessionStorage.getItem(TOKEN);
  return {
    ...(token && { Authorization: `Bearer ${token}` }),
    ...(body && { 'Content-Type': 'application/json' }),
  };
}

async function sent(address, options) {
  try {
    return await fetch(address, options);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem(0, 'the service does not answer; is palate explore still running?');
  }
}

/** Return a function that runs work and lets go of whatever it ran before. */
export function latest() {
  let own;
  return async (work) => {
    own?.abort();
    const mine = new AbortController();
    own = mine;
    try {
      const value = await work(mine.signal);
      return mine.signal.aborted ? undefined : value;
    } catch (error) {
      if (mine.signal.aborted) return undefined;
      throw error;
    }
  };
}

const kept = new Map();

/** Ask once for what does not change. */
export function askOnce(path, query) {
  const key = `${path}?${new URLSearchParams(query)}`;
  if (!kept.has(key)) {
    const answer = ask(path, { query });
    kept.set(key, answer);
    answer.catch(() => kept.delete(key));
  }
  return kept.get(key);
}

/** The ids of the items that meet conditions: all up to `most`, those with most ratings first. */
export async function idsWhere(where, most) {
  const page = (n) =>
    askOnce('items', [...where.map((one) => ['where', one]), ['sort', 'ratings'], ['size', PAGE], ['page', n]]);
  const first = await page(1);
  const pages = Math.min(Math.ceil(first.total / PAGE), Math.ceil(most / PAGE));
  const rest = await Promise.all(Array.from({ length: Math.max(0, pages - 1) }, (_, i) => page(i + 2)));
  return new Set([first, ...rest].flatMap(({ items }) => items.map(({ id }) => id)));
}

export const itemPath = (id) => `items/${encodeURIComponent(id)}`;
