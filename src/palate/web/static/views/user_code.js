import { curl, literal, python } from '../code.js';
import { hasRatings } from '../format.js';
import { snippets } from '../snippets.js';

/** Buttons that copy what is shown of a user as code. */
export function code(user, summary) {
  const lines = [
    `person = model.user(${literal(user)})`,
    ...(hasRatings(summary) ? ['print(person.describe())', 'print(person.describe(len(person.rated)).surprises)', `print(model.similar_users(${literal(user)}))`] : []),
    'print(person.recommend(10, explain=True))',
  ];
  return snippets({ python: python(...lines), curl: curl('recommendations', { body: { user, n: 10, reasons: true } }) });
}
