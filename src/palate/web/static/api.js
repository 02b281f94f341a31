const TOKEN_KEY = 'palate-token';
// While workers of one service load a new model, one after the other, responses of both models arrive.
const [SWAP_MS, FORGET_MS] = [1500, 60_000];

/** An error that the service reports, with its HTTP status; 0 if the service can't be reached. */
export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export function storeToken(token) {
  sessionStorage.setItem(TOKEN_KEY, token);
}

export function hasToken() {
  return sessionStorage.getItem(TOKEN_KEY) !== null;
}

/** Return the JSON at a path of the API; with a body, the request is a POST. */
export async function request(path, { query, body, signal } = {}) {
  const response = await respond(path, { query, body, signal });
  return response.json().catch(() => ({}));
}

/** Save what is at a path of the API as a file. */
export async function download(path, query, name) {
  const response = await respond(path, { query });
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  [link.href, link.download] = [url, name];
  link.click();
  URL.revokeObjectURL(url);
}

async function respond(path, { query, body, signal }) {
  const url = query ? `api/${path}?${new URLSearchParams(query)}` : `api/${path}`;
  const response = await send(url, {
    method: body ? 'POST' : 'GET',
    headers: headers(body),
    body: body && JSON.stringify(body),
    signal,
  });
  if (response.ok) return response;
  const content = await response.json().catch(() => ({}));
  if (response.status === 401) dispatchEvent(new Event('unauthorized'));
  throw new Problem(response.status, content.detail ?? `the service responded with status ${response.status}`);
}

function headers(body) {
  const token = sessionStorage.getItem(TOKEN_KEY);
  return {
    ...(token && { Authorization: `Bearer ${token}` }),
    ...(body && { 'Content-Type': 'application/json' }),
  };
}

async function send(url, options) {
  try {
    const response = await fetch(url, options);
    noteModel(response.headers.get('palate-model'));
    return response;
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw away();
  }
}

/** Return the error of a service that does not respond, after saying so to the page. */
export function away() {
  dispatchEvent(new Event('away'));
  return new Problem(0, 'the service does not respond; is palate explore still running?');
}

const models = { current: null, replaced: new Set() };

/** Notice that responses come from another model than before, and then drop what is kept of the old one. */
function noteModel(model) {
  if (!model || model === models.current || models.replaced.has(model)) return;
  const before = models.current;
  models.current = model;
  if (!before) return;
  models.replaced.add(before);
  setTimeout(() => models.replaced.delete(before), FORGET_MS);
  setTimeout(() => {
    cache.clear();
    dispatchEvent(new Event('modelchange'));
  }, SWAP_MS);
}

/**
 * Return a function that runs one task at a time: a new task aborts the one before.
 * The promise of an aborted task resolves to undefined.
 */
export function latestOnly() {
  let current;
  return async (task) => {
    current?.abort();
    const controller = new AbortController();
    current = controller;
    try {
      const value = await task(controller.signal);
      return controller.signal.aborted ? undefined : value;
    } catch (error) {
      if (controller.signal.aborted) return undefined;
      throw error;
    }
  };
}

const cache = new Map();

/** Like `request`, for responses that change only with the model; each is requested once. */
export function requestCached(path, query) {
  const key = `${path}?${new URLSearchParams(query)}`;
  if (!cache.has(key)) {
    const response = request(path, { query });
    cache.set(key, response);
    response.catch(() => cache.delete(key));
  }
  return cache.get(key);
}

/** Return the ids of the items that meet all conditions and a search. */
export async function matchingIds(where, search = '') {
  const { columns } = await requestCached('map', [['x', 'ratings'], ['y', 'ratings'], ['search', search], ...where.map((condition) => ['where', condition])]);
  return new Set(columns.id);
}

export const itemPath = (id) => `items/${encodeURIComponent(id)}`;
export const neighboursPath = (id) => `neighbours/${encodeURIComponent(id)}`;
