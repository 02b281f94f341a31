import { away, hasToken, request, storeToken } from './api.js';
import { itemCombobox } from './combobox.js';
import { el, errorNote, put } from './dom.js';
import { hasRatings } from './format.js';
import { go, href, parse, tryHref } from './router.js';
import { skeleton } from './skeletons.js';

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
// When a view that is still loading is drawn as a skeleton, and when it is said that it takes long.
const [SKELETON_MS, SLOW_MS, NOTICE_MS, RETRY_MS] = [150, 5000, 8000, 3000];
const FAILURES = { 0: 'Palate does not respond', 404: 'Not found' };

const main = document.getElementById('main');
const notice = document.getElementById('notice');
const scrollPositions = new Map();
let summary;
let current = { hash: null, isOpen: false };
let navigations = 0;
let isLinkFollowed = false; // as opposed to the back and forward buttons

/** Show the view that the address names, or update the current one if only its state changed. */
async function navigate() {
  const hash = location.hash;
  const route = parse(hash);
  markCurrentLink(route.name);
  if (current.isOpen && current.path === route.path && current.update) {
    current.hash = hash;
    await current.update(route);
    return;
  }
  await show(route, hash);
}

async function show(route, hash) {
  navigations += 1;
  const navigation = navigations;
  main.setAttribute('aria-busy', 'true');
  const isCurrent = () => navigation === navigations;
  const timers = [
    setTimeout(() => isCurrent() && current.path !== route.path && showSkeleton(route.name), current.hash === null ? 0 : SKELETON_MS),
    setTimeout(() => isCurrent() && notify('Still loading. A large model takes a moment.'), SLOW_MS),
  ];
  const view = await load(route);
  timers.forEach(clearTimeout);
  if (isCurrent()) display(view, route, hash);
  else view.close?.();
}

async function load(route) {
  // The modules of the view come while the service computes what it says of the model.
  const loading = Object.hasOwn(VIEWS, route.name) ? VIEWS[route.name]() : null;
  loading?.catch(() => {}); // it is waited for below
  try {
    summary ??= await request('model');
    if (!loading) return notFound();
    const view = await loading.catch(() => Promise.reject(away()));
    return await view.show(route, summary);
  } catch (error) {
    if (error.status === 401) return tokenForm();
    return { title: FAILURES[error.status] ?? 'Something went wrong', body: [errorNote(error)] };
  }
}

function leave() {
  if (!current.isOpen) return;
  current.isOpen = false;
  current.close?.();
  scrollPositions.set(current.hash, scrollY);
}

function showSkeleton(name) {
  leave();
  main.replaceChildren(skeleton(name));
  main.dataset.view = name;
  scrollTo(0, 0);
}

function display(view, route, hash) {
  const [isFirst, isAgain] = [current.hash === null, current.path === route.path];
  leave();
  const heading = el('h1', { tabindex: -1 }, view.heading ?? view.title);
  const head = el('div', { class: 'head' }, heading, view.lead && el('p', { class: 'lead' }, view.lead));
  put(main, head, view.body);
  main.dataset.view = route.name;
  main.removeAttribute('aria-busy');
  document.title = `${view.title} · Palate`;
  current = { ...view, path: route.path, hash, isOpen: true };
  document.querySelector('[data-view="users"]').hidden = !summary?.users;
  document.querySelector('[data-view="compare"]').hidden = !summary?.compared;
  document.querySelector('li:has(> [data-view="map"])').hidden = Boolean(summary && !hasRatings(summary));
  document.querySelector('.top [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  scrollTo(0, isLinkFollowed ? 0 : (scrollPositions.get(hash) ?? 0));
  isLinkFollowed = false;
  // When the same view is loaded again, not away from where the visitor is in the header.
  if (!isFirst && !(isAgain && document.activeElement !== document.body)) heading.focus({ preventScroll: true });
  view.mounted?.();
}

function reload() {
  const hash = location.hash;
  return show(parse(hash), hash);
}

let noticeTimer;

/** Show a line at the lower edge for a while; screen readers read it out. */
function notify(text) {
  clearTimeout(noticeTimer);
  notice.textContent = text;
  noticeTimer = setTimeout(() => {
    notice.textContent = '';
  }, NOTICE_MS);
}

function markCurrentLink(name) {
  for (const link of document.querySelectorAll('nav [data-view]')) {
    if (link.dataset.view === (PARENTS[name] ?? name)) {
      link.setAttribute('aria-current', 'page');
      link.closest('nav').scrollTo({ left: link.offsetLeft - 48 }); // on a phone the views are in a row that scrolls
    } else {
      link.removeAttribute('aria-current');
    }
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

let isWaiting = false;

/** Wait for a service that does not respond, and then load what could not be loaded. */
async function waitForService() {
  if (isWaiting) return;
  isWaiting = true;
  const isThere = () => fetch('healthz').then(({ ok }) => ok, () => false);
  do await new Promise((done) => setTimeout(done, RETRY_MS));
  while (!(await isThere()));
  isWaiting = false;
  if (main.querySelector('[data-action="retry"]')) reload();
}

function isTyping({ target }) {
  return Boolean(target.closest?.('input:not([type="checkbox"], [type="radio"], [type="range"]), textarea, select, [contenteditable]'));
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
addEventListener('retry', reload);
addEventListener('away', waitForService);
addEventListener('modelchange', () => {
  summary = undefined;
  notify('The model has been updated.');
  reload();
});
document.addEventListener('visibilitychange', () => {
  if (summary && !document.hidden) request('model').catch(() => {}); // tells whether the model is still the same
});
history.scrollRestoration = 'manual';
const finder = itemCombobox({
  label: 'Find a title',
  placeholder: 'Find a title',
  shortcut: '/',
  hideLabel: true,
  onPick: ({ id }) => {
    isLinkFollowed = true;
    go(href(['item', id]));
  },
});
document.getElementById('find').append(finder.node);
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
  event.preventDefault();
  finder.input.focus();
});
navigate();
