// Building and updating elements. Data gets into the page as text and properties alone, never as markup.

// el makes an element. Properties named aria-… and data-… and role are attributes; the rest are properties.
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (/^(aria-|data-|role$)/.test(name)) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

// icon shows a symbol of the page's sprite. With a label it is a picture that says so, else it is decoration.
export function icon(name, label) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon icon-${name}`);
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  } else {
    svg.setAttribute("aria-hidden", "true");
  }
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

// sync makes the children of parent those that build makes of items. A child stays, with its focus and its state, as
// long as its item has the same key and looks the same.
export function sync(parent, items, key, build) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    const look = JSON.stringify(item);
    let child = old.get(name);
    old.delete(name);
    if (child?.look !== look) {
      const next = build(item);
      next.dataset.key = name;
      next.look = look;
      if (child === place && child) place = next;
      const focused = child?.contains(document.activeElement);
      child?.replaceWith(next);
      if (focused) (next.matches("button") ? next : next.querySelector("button"))?.focus({ preventScroll: true });
      child = next;
    }
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const gone of old.values()) gone.remove();
}

export const byId = (id) => document.getElementById(id);

// initials are what stands in an avatar.
function initials(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  if (words.length === 0 || /^\d/.test(words[0])) return name.slice(-2);
  return [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...word][0] ?? "").join("").toUpperCase();
}

// hueOf gives a name one of eight colours, always the same one.
export function hueOf(name) {
  let sum = 0;
  for (const c of name) sum = (sum * 31 + c.codePointAt(0)) >>> 0;
  return sum % 8;
}

// paint makes an element the avatar of a name.
export function paint(avatar, name, identity) {
  avatar.textContent = initials(name);
  avatar.dataset.hue = hueOf(identity);
  return avatar;
}

export const avatarOf = (name, identity) => paint(el("span", { className: "avatar", "aria-hidden": "true" }), name, identity);

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export const timeOf = (at) => clock.format(new Date(at));

export function sizeOf(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
