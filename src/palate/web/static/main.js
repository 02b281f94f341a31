import { hasToken, request, storeToken } from './api.js';
import { itemCombobox } from './combobox.js';
import { el, errorNote } from './dom.js';
import { hasRatings } from './format.js';
import { go, href, parse, tryHref } from './router.js';

const VIEWS = {
  overview: () => import('./views/overview.js'),
  items: () => import('./views/items.js'),
  item: () => import('./views/item.js'),
  map: () => import('./views/map.js'),
  try: () => import('./views/try.js'),
  users: () => import('./views/users.js'),
  user: () => import('./views/user.js'),
  compare: () => import('./views/compare.js'),
};
const PARENTS = { item: 'items', user: 'users' };

const main = document.getElementById('main');
const scrollPositions = new Map();
let summary;
let current = { hash: null };
let navigations = 0;
let isLinkFollowed = false; // as opposed to the back and forward buttons

/** Show the view that the address names, or update the current one if only its state changed. */
async function navigate() {
  const hash = location.hash;
  const route = parse(hash);
  markCurrentLink(route.name);
  if (current.path === route.path && current.update) {
    current.hash = hash;
    await current.update(route);
    return;
  }
  navigations += 1;
  const navigation = navigations;
  main.setAttribute('aria-busy', 'true');
  const view = await load(route);
  if (navigation === navigations) display(view, route, hash);
  else view.close?.();
}

async function load(route) {
  try {
    summary ??= await request('model');
    if (!Object.hasOwn(VIEWS, route.name)) return notFound();
    return await (await VIEWS[route.name]()).show(route, summary);
  } catch (error) {
    if (error.status === 401) return tokenForm();
    return { title: 'Something went wrong', body: [errorNote(error), retryButton()] };
  }
}

function display(view, route, hash) {
  const isFirst = current.hash === null;
  current.close?.();
  scrollPositions.set(current.hash, scrollY);
  const heading = el('h1', { tabindex: -1 }, view.heading ?? view.title);
  const head = el('div', { class: 'head' }, heading, view.lead && el('p', { class: 'lead' }, view.lead));
  main.replaceChildren(head, ...view.body);
  main.dataset.view = route.name;
  main.removeAttribute('aria-busy');
  document.title = `${view.title} · Palate`;
  current = { ...view, path: route.path, hash };
  document.querySelector('[data-view="users"]').hidden = !summary?.users;
  document.querySelector('[data-view="compare"]').hidden = !summary?.compared;
  document.querySelector('li:has(> [data-view="map"])').hidden = Boolean(summary && !hasRatings(summary));
  document.querySelector('.top [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  scrollTo(0, isLinkFollowed ? 0 : (scrollPositions.get(hash) ?? 0));
  isLinkFollowed = false;
  if (!isFirst) heading.focus({ preventScroll: true });
  view.mounted?.();
}

function markCurrentLink(name) {
  for (const link of document.querySelectorAll('[data-view]')) {
    if (link.dataset.view === (PARENTS[name] ?? name)) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
    if (link.dataset.view === 'try') link.href = tryHref();
  }
}

function notFound() {
  return {
    title: 'Page not found',
    body: [el('p', {}, 'There is no page at this address. ', el('a', { href: '#/' }, 'Go to the overview'), '.')],
  };
}

function tokenForm() {
  const input = el('input', { id: 'token', type: 'password', autocomplete: 'off', required: true });
  const submit = (event) => {
    event.preventDefault();
    storeToken(input.value.trim());
    reload();
  };
  return {
    title: 'This explorer requires a token',
    lead: 'Ask the person who runs it for the token. It is stored in this tab until you close it.',
    body: [
      el('form', { class: 'token', on: { submit } },
        el('div', { class: 'field' }, el('label', { for: 'token' }, 'Token'), input,
          hasToken() && el('p', { role: 'alert' }, 'The last token was not accepted.')),
        el('button', { class: 'button', type: 'submit' }, 'Open')),
    ],
    mounted: () => input.focus(),
  };
}

function retryButton() {
  return el('button', { class: 'button', type: 'button', on: { click: reload } }, 'Try again');
}

function reload() {
  current.path = null;
  navigate();
}

document.getElementById('skip').addEventListener('click', (event) => {
  event.preventDefault();
  (main.querySelector('h1') ?? main).focus();
});
document.addEventListener('click', (event) => {
  if (event.target.closest?.('a[href^="#/"]')) isLinkFollowed = true;
});
addEventListener('hashchange', navigate);
addEventListener('unauthorized', () => {
  if (summary) display(tokenForm(), { name: 'token', path: null }, location.hash);
});
history.scrollRestoration = 'manual';
document.getElementById('find').append(
  itemCombobox({
    label: 'Find a title',
    placeholder: 'Find a title',
    hideLabel: true,
    onPick: ({ id }) => {
      isLinkFollowed = true;
      go(href(['item', id]));
    },
  }).node,
);
navigate();
