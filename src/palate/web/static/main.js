import { ask, hasToken, keepToken } from './api.js';
import { itemCombobox } from './combobox.js';
import { el, trouble } from './dom.js';
import { go, href, read, triedHref } from './router.js';

const VIEWS = {
  overview: () => import('./views/overview.js'),
  items: () => import('./views/items.js'),
  item: () => import('./views/item.js'),
  map: () => import('./views/map.js'),
  try: () => import('./views/try.js'),
  users: () => import('./views/users.js'),
  user: () => import('./views/user.js'),
};
const PARENTS = { item: 'items', user: 'users' };

const main = document.getElementById('main');
const places = new Map();
let summary;
let shown = { hash: null };
let turn = 0;
let followed = false;

async function follow() {
  const hash = location.hash;
  const route = read(hash);
  markView(route.name);
  if (shown.key === route.key && shown.update) {
    shown.hash = hash;
    await shown.update(route);
    return;
  }
  turn += 1;
  const mine = turn;
  main.setAttribute('aria-busy', 'true');
  const next = await opened(route);
  if (mine === turn) present(next, route, hash);
  else next.close?.();
}

async function opened(route) {
  try {
    summary ??= await ask('model');
    if (!Object.hasOwn(VIEWS, route.name)) return lost();
    return await (await VIEWS[route.name]()).show(route, summary);
  } catch (error) {
    if (error.status === 401) return locked();
    return { title: 'That did not work', body: [trouble(error), retry()] };
  }
}

function present(next, route, hash) {
  const first = shown.hash === null;
  shown.close?.();
  places.set(shown.hash, scrollY);
  const heading = el('h1', { tabindex: -1 }, next.heading ?? next.title);
  const head = el('div', { class: 'head' }, heading, next.lead && el('p', { class: 'lead' }, next.lead));
  main.replaceChildren(head, ...next.body);
  main.dataset.view = route.name;
  main.removeAttribute('aria-busy');
  document.title = `${next.title} · Palate`;
  shown = { ...next, key: route.key, hash };
  document.querySelector('[data-view="users"]').hidden = !summary?.users;
  scrollTo(0, followed ? 0 : (places.get(hash) ?? 0));
  followed = false;
  if (!first) heading.focus({ preventScroll: true });
  next.mounted?.();
}

function markView(name) {
  for (const link of document.querySelectorAll('[data-view]')) {
    if (link.dataset.view === (PARENTS[name] ?? name)) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
    if (link.dataset.view === 'try') link.href = triedHref();
  }
}

function lost() {
  return {
    title: 'There is nothing here',
    body: [el('p', {}, 'This address leads nowhere. ', el('a', { href: '#/' }, 'Go to the overview'), '.')],
  };
}

function locked() {
  const input = el('input', { id: 'token', type: 'password', autocomplete: 'off', required: true });
  const submit = (event) => {
    event.preventDefault();
    keepToken(input.value.trim());
    reopen();
  };
  return {
    title: 'This explorer needs a token',
    lead: 'Whoever runs it can tell you the token. It stays in this tab until you close it.',
    body: [
      el('form', { class: 'token', on: { submit } },
        el('div', { class: 'field' }, el('label', { for: 'token' }, 'Token'), input,
          hasToken() && el('p', { role: 'alert' }, 'The last token was not accepted.')),
        el('button', { class: 'button', type: 'submit' }, 'Open')),
    ],
    mounted: () => input.focus(),
  };
}

function retry() {
  return el('button', { class: 'button', type: 'button', on: { click: reopen } }, 'Try again');
}

function reopen() {
  shown.key = null;
  follow();
}

document.getElementById('skip').addEventListener('click', (event) => {
  event.preventDefault();
  (main.querySelector('h1') ?? main).focus();
});
document.addEventListener('click', (event) => {
  if (event.target.closest?.('a[href^="#/"]')) followed = true;
});
addEventListener('hashchange', follow);
addEventListener('locked', () => {
  if (summary) present(locked(), { name: 'locked', key: null }, location.hash);
});
history.scrollRestoration = 'manual';
document.getElementById('find').append(
  itemCombobox({
    label: 'Find a title',
    placeholder: 'Find a title',
    bare: true,
    onPick: ({ id }) => {
      followed = true;
      go(href(['item', id]));
    },
  }).node,
);
follow();
