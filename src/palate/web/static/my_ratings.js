import { decoded, storeTryState, tryParams, TRY_STATE_CHANGED } from './router.js';

/** Return the ratings of an address, where they have the form 100:5,50:4; picks, 100:1. */
export function parseRatings(text) {
  const pairs = (text ?? '').split(',').map((pair) => pair.split(':'));
  return new Map(pairs.filter(([id, value]) => id && value && Number.isFinite(Number(value))).map(([id, value]) => [decoded(id), Number(value)]));
}

export const formatRatings = (ratings) => [...ratings].map(([id, value]) => `${encodeURIComponent(id)}:${value}`).join(',');

/** Return what this visitor has rated, as a map from the id of an item, as text, to the rating; to 1 where items are picked. */
export const myRatings = () => parseRatings(tryParams().get('r'));

/** Rate an item, or pick it with the value 1; null removes the rating. */
export function rate(id, value) {
  const ratings = myRatings();
  if (value === null) ratings.delete(String(id));
  else ratings.set(String(id), value);
  const params = tryParams();
  if (ratings.size) params.set('r', formatRatings(ratings));
  else params.delete('r');
  storeTryState(params);
}

/** Call a listener with the ratings whenever they may have changed; return a function that stops this. */
export function onMyRatings(listener) {
  const changed = () => listener(myRatings());
  addEventListener(TRY_STATE_CHANGED, changed);
  return () => removeEventListener(TRY_STATE_CHANGED, changed);
}

/** Return those ratings that are on the scale of the model; all picks, where it has no scale. */
export const onScale = (ratings, { scale }) =>
  new Map([...ratings].filter(([, value]) => !scale.length || (value >= scale[0] && value <= scale.at(-1))));

/** Describe the visitor, or whoever has these ratings, to the service, which skips items that it does not know. */
export function myPerson(summary, ratings = myRatings()) {
  const valid = [...onScale(ratings, summary)];
  const history = summary.scale.length ? { ratings: valid.map(([item, rating]) => ({ item, rating })) } : { items: valid.map(([id]) => id) };
  return { ...history, unknown: 'skip' };
}
