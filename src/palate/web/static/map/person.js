import { request } from '../api.js';
import { el } from '../dom.js';
import { myPerson, myRatings } from '../my_ratings.js';
import { tryHref } from '../router.js';

const SIZE = 12;

/**
 * Return where the visitor is on the map, as a point with 90% intervals; null if they have rated nothing
 * or no coordinate is an axis of taste; a coordinate that is none is null.
 *
 * Items are placed by the effect of one standard deviation of a taste on their rating, and people in
 * standard deviations of people, which are different units. A person is placed as many standard
 * deviations from the middle of the items as they are from that of the people.
 */
export async function personOn({ x, y }, points, summary, signal) {
  if (!myRatings().size || ![x, y].some(axisOf)) return null;
  const { axes } = await request('portraits', { body: myPerson(summary), signal });
  const standing = (name) => axes.find(({ axis }) => axis === axisOf(name));
  const along = (name, direction) => {
    const found = standing(name);
    if (!found) return [null, null, null];
    const spread = Math.sqrt(points.reduce((sum, point) => sum + point[direction] ** 2, 0) / (points.length || 1));
    return [found.position, found.lower, found.upper].map((value) => value * spread);
  };
  const [atX, xLower, xUpper] = along(x, 'x');
  const [atY, yLower, yUpper] = along(y, 'y');
  return { x: atX, xLower, xUpper, y: atY, yLower, yUpper, size: SIZE };
}

const axisOf = (name) => Number(/^axis (\d+)$/.exec(name)?.[1] ?? 0);

/** Say where the visitor is, or how to appear on the map. */
export function personLegend({ x, y }) {
  const more = (text) => el('a', { href: tryHref() }, text);
  const ringed = el('span', { class: 'swatch ringed' }, el('i'), 'rated by you');
  if (!myRatings().size) return [el('span', {}, 'Where are you? ', more('Rate a few titles'), ', here or in Try it.')];
  if (![x, y].some(axisOf)) return [ringed, el('span', {}, 'You appear where a direction is an axis of taste.')];
  return [ringed, el('span', { class: 'swatch you' }, el('i'),
    'you: as many standard deviations from the average item as you are from the average person. You like what lies on your side. ', more('Rate more'))];
}
