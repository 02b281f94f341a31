/** Return the address of a view: the parts of its path, and its state as query parameters. */
export function href(parts, params = {}) {
  const query = new URLSearchParams();
  for (const [name, values] of Object.entries(params)) {
    for (const value of [values].flat()) {
      if (value !== undefined && value !== null && value !== '') query.append(name, value);
    }
  }
  // People read and share addresses, and these characters need no escape in a fragment.
  const text = query.toString().replaceAll('%3A', ':').replaceAll('%2C', ',').replaceAll('%3D', '=');
  return `#/${parts.map(encodeURIComponent).join('/')}${text && `?${text}`}`;
}

/** Parse the fragment of an address. */
export function parse(hash) {
  const [path, ...rest] = hash.replace(/^#?\/?/, '').split('?');
  const [name, ...parts] = path.split('/');
  return {
    name: name || 'overview',
    id: parts.map(decoded).join('/'),
    params: new URLSearchParams(rest.join('?')),
    path,
  };
}

/** Decode a part of an address; a malformed one is returned as it is. */
export function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Go to an address; with `replace`, without a new entry in the browser's history. */
export function go(address, { replace = false } = {}) {
  if (!replace) {
    location.hash = address;
  } else if (address !== location.hash) {
    history.replaceState(null, '', address);
    dispatchEvent(new Event('hashchange'));
  }
}

const TRY_STATE_KEY = 'palate-try';
export const TRY_STATE_CHANGED = 'trystate';

/** Return the state of the view "Try it", which this tab stores, as the parameters of its address. */
export const tryParams = () => new URLSearchParams(sessionStorage.getItem(TRY_STATE_KEY) ?? '');

/** Store the state of the view "Try it" in this tab, so that links in other views lead back to it. */
export function storeTryState(params) {
  if (params.toString() === tryParams().toString()) return;
  sessionStorage.setItem(TRY_STATE_KEY, params.toString());
  dispatchEvent(new Event(TRY_STATE_CHANGED));
}

export const tryHref = (more = {}) => href(['try'], { ...Object.fromEntries(tryParams()), ...more });
