import { formatRatings, parseRatings } from '../my_ratings.js';
import { rankedBy } from '../people.js';
import { decoded, href } from '../router.js';

// What the ends and the middle of the balance are called, where lists are by one question or by both.
const QUESTIONS = { choice: 0, both: 0.5, rating: 1 };

/**
 * Return the state of the view from its address: the ratings; the items that the visitor has not seen,
 * and those that they are not interested in; the item to ask about; and how the list is made.
 */
export function stateOf(params, summary) {
  const ids = (name) => (params.get(name) ?? '').split(',').filter(Boolean).map(decoded);
  const share = (name) => (params.get(name) ? Math.min(1, Math.max(0, Number(params.get(name)) || 0)) : null);
  return {
    ratings: parseRatings(params.get('r')),
    unseen: ids('unseen'),
    dismissed: ids('not'),
    ask: params.get('ask'),
    by: params.get('by'),
    balance: summary.lists_by.length > 1 ? share('balance') : null,
    variety: (summary.users && share('variety')) || 0,
    cautious: summary.sure && params.get('cautious') === '1',
  };
}

export function addressOf({ ratings, unseen, dismissed, ask, by, balance, variety, cautious }) {
  const list = (ids) => ids.map(encodeURIComponent).join(',');
  return href(['try'], { r: formatRatings(ratings), unseen: list(unseen), not: list(dismissed), ask, by, balance, variety: variety || null, cautious: cautious ? '1' : null });
}

/** Return the balance of the list, 0 for choice alone and 1 for rating alone. */
export const balanceOf = (state, summary) => state.balance ?? QUESTIONS[byOf(state, summary)];

/** Return which question the list answers; undefined if it is between two. */
export function byOf({ by, balance, cautious }, summary) {
  if (cautious) return 'rating';
  return balance === null ? rankedBy(by, summary) : Object.keys(QUESTIONS).find((name) => QUESTIONS[name] === balance);
}

/** Return the state with another question, or another balance of both. */
export const withQuestion = (state, by, summary) => ({ ...state, by: by === summary.lists_by[0] ? null : by, balance: null, cautious: false });

export function withBalance(state, balance, summary) {
  const by = Object.keys(QUESTIONS).find((name) => QUESTIONS[name] === balance);
  return by ? withQuestion(state, by, summary) : { ...state, by: null, balance, cautious: false };
}

// Cautious recommendations are ranked by this quantile of the expected rating.
const CAUTIOUS_QUANTILE = 0.1;

/** Return what the list is made by, as the service and the library call it. */
export function listOptions(state, summary) {
  return {
    ...(state.cautious ? { cautious: CAUTIOUS_QUANTILE } : state.balance === null ? { by: rankedBy(state.by, summary) } : { balance: state.balance }),
    ...(state.variety && { diversity: state.variety }),
  };
}
