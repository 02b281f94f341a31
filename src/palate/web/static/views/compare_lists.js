import { latestOnly, request } from '../api.js';
import { itemCombobox, userCombobox } from '../combobox.js';
import { announce, el, newId, preservingFocus, put, renderInto, svg } from '../dom.js';
import { number, percent, plural } from '../format.js';
import { itemLink, userLink } from '../links.js';
import { formatRatings, myPerson, myRatings, parseRatings } from '../my_ratings.js';
import { listSwitch, rankedBy, whyButton } from '../people.js';
import { ratedList } from '../rate_in_place.js';
import { go, href } from '../router.js';

// The address of somebody without ratings: without `r`, they are the visitor's.
const NOBODY = 'none';

/** The person of the address, and the lists of both models for them. */
export function listsOfOne(compared, summary) {
  const person = el('div', { class: 'stack' });
  const box = el('div', { 'data-list': 'compared' });
  const latest = latestOnly();
  const choices = { ...summary, lists_by: compared.lists_by.length ? compared.lists_by : [summary.lists_by[0]] };
  const isAsked = compared.lists_by.length > 0;
  let params = new URLSearchParams();
  let lines;
  const at = (more) => href(['compare'], { ...Object.fromEntries(params), ...more });
  const lists = listSwitch(choices, (by) => go(at({ by }), { replace: true }));
  const refresh = () => renderInto(box, latest(async (signal) => {
    const who = params.has('user') ? { user: params.get('user') } : myPerson(summary, parseRatings(params.get('r')));
    const by = isAsked ? rankedBy(params.get('by'), choices) : null;
    lists.set(by ?? choices.lists_by[0], params.has('user') ? 'they' : 'you');
    const found = await request('compare/lists', { body: { ...who, by }, signal }).catch((error) => {
      if (!signal.aborted) chooser(person, { params, at, compared, summary, history: [] });
      throw error;
    });
    if (signal.aborted) return undefined;
    await preservingFocus(() => chooser(person, { params, at, compared, summary, history: found.history }), () => person.querySelector('input'));
    lines?.close();
    lines = sideBySide(found, who);
    announce(inCommon(found));
    return [notes(found), el('p', { class: 'sentence' }, inCommon(found)), lines.node];
  }));
  return {
    person,
    nodes: [lists.node, lists.text, box],
    update: (route) => {
      params = route.params;
      const mine = myRatings();
      if (!params.has('user') && !params.has('r') && mine.size) return go(at({ r: formatRatings(mine) }), { replace: true });
      return refresh();
    },
    close: () => lines?.close(),
  };
}

const inCommon = ({ common, lists: [{ recommendations: one }] }) => `${common} of ${plural(one.length, 'title')} ${common === 1 ? 'is' : 'are'} in both lists.`;

function notes({ lists, skipped, history }) {
  const title = (id) => history.find((one) => String(one.id) === String(id))?.item ?? id;
  const unknown = lists.filter(({ unknown: own }) => own.length).map(({ model, unknown: own }) => `${model} does not know ${own.map(title).join('; ')}, and goes by the rest.`);
  if (skipped.length) unknown.push(`${plural(skipped.length, 'title')} that neither model knows ${skipped.length === 1 ? 'is' : 'are'} left out.`);
  return unknown.map((text) => el('p', { class: 'note' }, text));
}

/** Show who the lists are for, and how to choose somebody else. */
function chooser(box, { params, at, compared, summary, history }) {
  const isUser = params.has('user');
  const isPicking = !summary.scale.length;
  const ratings = isUser ? new Map() : parseRatings(params.get('r'));
  const set = (id, value) => {
    const changed = new Map(ratings);
    if (value === null) changed.delete(String(id));
    else changed.set(String(id), value);
    go(at({ user: null, r: formatRatings(changed) || NOBODY }));
  };
  const mine = formatRatings(myRatings());
  const isMine = !isUser && formatRatings(ratings) === mine;
  const add = itemCombobox({ label: isPicking ? 'Add a title they picked' : 'Add a title they like', onPick: ({ id }) => set(id, isPicking ? 1 : summary.scale.at(-1)) });
  const users = compared.common_users > 0 && userCombobox({ label: 'Or a known user', onPick: ({ user }) => go(at({ user, r: null })) });
  put(box,
    el('div', { class: 'actions' },
      el('strong', {}, isUser ? userLink(params.get('user')) : ratings.size ? `Somebody who ${isPicking ? 'picked' : 'rated'} ${plural(ratings.size, 'title')}` : 'Anybody: nothing is known of them'),
      mine && !isMine && el('a', { class: 'button quiet', href: at({ user: null, r: mine }) }, `Me, with my ${plural(myRatings().size, isPicking ? 'pick' : 'rating')}`),
      (isUser || ratings.size > 0) && el('a', { class: 'button quiet', href: at({ user: null, r: NOBODY }) }, 'Somebody new')),
    ratedList(history.filter(({ id }) => ratings.has(String(id))), (id) => ratings.get(String(id)), summary, set),
    el('div', { class: 'filters' }, add.node, users?.node));
}

/** Two lists whose common titles are joined by lines; on a phone, one below the other. */
function sideBySide({ lists }, person) {
  const columns = lists.map((list, i) => column(list, lists[1 - i], ['first', 'second'][i], person));
  const lines = svg('svg', { class: 'joins', 'aria-hidden': 'true' });
  const node = el('div', { class: 'beside' }, columns[0], lines, columns[1]);
  const common = new Set(lists[0].recommendations.map(({ id }) => String(id)).filter((id) => lists[1].recommendations.some((one) => String(one.id) === id)));
  const observer = new ResizeObserver(() => join(lines, columns, common));
  columns.forEach((one) => observer.observe(one));
  const mark = ({ target }) => {
    const id = target.closest?.('[data-item]')?.dataset.item;
    for (const one of node.querySelectorAll('[data-item]')) one.classList.toggle('lit', one.dataset.item === id && common.has(id));
  };
  for (const event of ['pointerover', 'focusin']) node.addEventListener(event, mark);
  return { node, close: () => observer.disconnect() };
}

function column({ model, recommendations }, other, side, person) {
  const name = newId('list');
  return el('section', { class: 'column', 'aria-labelledby': name, 'data-model': model },
    el('h3', { id: name, class: `side-${side === 'first' ? 0 : 1}` }, model),
    recommendations.length ? el('ol', {}, ...recommendations.map((one) => row(one, other, side, person))) : el('p', { class: 'soft' }, 'Nothing is left to recommend.'));
}

function row(one, { model: other, recommendations: { length } }, side, person) {
  const panel = el('div', { class: 'why', id: newId('why'), hidden: true });
  const isCommon = one.other_rank !== null && one.other_rank <= length;
  const there = one.other_rank === one.rank ? 'at the same place' : `${isCommon ? 'also ' : ''}at place ${one.other_rank}`;
  const place = !one.other_knows ? `not in ${other}` : one.other_rank === null ? `not among the first 100 of ${other}` : `${there} in ${other}`;
  return el('li', { 'data-item': one.id, class: isCommon ? 'common' : null },
    el('span', { class: 'place', 'aria-hidden': 'true' }, one.rank),
    el('div', { class: 'what' }, itemLink(one), one.chance !== null && el('small', { class: 'chance' }, `${percent(one.chance, 1)} chance`), el('p', { class: 'soft' }, place)),
    one.prediction !== null && el('div', { class: 'expected' },
      el('strong', {}, el('span', { class: 'visually-hidden' }, 'Expected rating '), number(one.prediction)),
      one.other_prediction !== null && el('small', {}, `${other}: ${number(one.other_prediction)}`)),
    whyButton(panel, one.item, () => request('compare/explanations', { body: { ...person, model: side, item: one.id } }), 'user' in person ? 'they' : 'you'),
    panel);
}

/** Draw a line between the two places of each common title. */
function join(lines, columns, common) {
  const box = lines.getBoundingClientRect();
  if (!box.width) return;
  lines.setAttribute('viewBox', `0 0 ${box.width} ${box.height}`);
  const middle = (column, id) => {
    const place = [...column.querySelectorAll('[data-item]')].find((row) => row.dataset.item === id).firstElementChild.getBoundingClientRect();
    return place.top + place.height / 2 - box.top;
  };
  lines.replaceChildren(...[...common].map((id) => {
    const [y, z] = columns.map((column) => middle(column, id));
    const x = box.width / 2;
    return svg('path', { 'data-item': id, d: `M0 ${y}C${x} ${y} ${x} ${z} ${box.width} ${z}` });
  }));
}
