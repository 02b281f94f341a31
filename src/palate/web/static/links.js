import { el } from './dom.js';
import { href } from './router.js';

export const itemLink = ({ id, item }) => el('a', { href: href(['item', id]) }, item);

export const userLink = (user) => el('a', { href: href(['user', user]), 'data-user': user }, `User ${user}`);

/** A list of links, the best first, with a note on each; or what to say where there are none. */
export const ranking = (rows, { link = itemLink, note, none }) =>
  rows.length
    ? el('ol', { class: 'ranking' }, rows.map((one) => el('li', { 'data-item': one.id }, link(one), el('span', {}, note(one)))))
    : el('p', { class: 'soft' }, none);
