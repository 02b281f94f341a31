/** Return the address of a view: its path in parts, and what it shows as parameters. */
export function href(parts, params = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const one of [value].flat()) {
      if (one !== undefined && one !== null && one !== '') query.append(name, one);
    }
  }
  // People read and share addresses; these may stand as they are after a hash.
  const text = query.toString().replaceAll('%3A', ':').replaceAll('%2C', ',').replaceAll('%3D', '=');
  return `#/${parts.map(encodeURIComponent).join('/')}${text && `?${text}`}`;
}

/** Read an address back. */
export function read(hash) {
  const [path, ...rest] = hash.replace(/^#?\/?/, '').split('?');
  const [name, ...parts] = path.split('/');
  return {
    name: name || 'overview',
    id: parts.map(decoded).join('/'),
    params: new URLSearchParams(rest.join('?')),
    key: path,
  };
}

/** Undo encodeURIComponent; what was not encoded stays as it is. */
export function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Go to an address; `replace` where the back button should not stop on the way. */
export function go(address, { replace = false } = {}) {
  if (!replace) {
    location.hash = address;
  } else if (address !== location.hash) {
    history.replaceState(null, '', address);
    dispatchEvent(new Event('hashchange'));
  }
}

const TRIED = 'palate-tried';

/** The ratings given so far stay in this tab, so that other views can lead back to them. */
export function keepTried(params) {
  sessionStorage.setItem(TRIED, params.toString());
}

export function triedHref(more = {}) {
  const kept = Object.fromEntries(new URLSearchParams(sessionStorage.getItem(TRIED) ?? ''));
  return href(['try'], { ...kept, ...more });
}
