import { request } from '../api.js';

// Of so many items at once, so that addresses stay short.
const MOST = 200;

/** What is known of the items that an address or a response names; each is looked up at most once. */
export function itemNames() {
  const known = new Map();
  const unknown = new Set();
  const lookUpSome = async (names, signal) => {
    const found = await request('items', { query: names.map((name) => ['id', name]), signal });
    for (const name of found.unknown) unknown.add(name);
    names.filter((name) => !unknown.has(name)).forEach((name, i) => known.set(name, found.items[i]));
  };
  return {
    get: (name) => known.get(name),
    isUnknown: (name) => unknown.has(name),
    learn: (items) => items.forEach((item) => known.set(String(item.id), item)),
    lookUp: async (names, signal) => {
      const missing = [...new Set(names)].filter((name) => !known.has(name) && !unknown.has(name));
      const parts = Array.from({ length: Math.ceil(missing.length / MOST) }, (_, i) => missing.slice(i * MOST, (i + 1) * MOST));
      await Promise.all(parts.map((part) => lookUpSome(part, signal)));
    },
  };
}
