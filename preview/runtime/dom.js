/** Short way to make elements; text is always set as text. */

/**
 * @param {string} tag
 * @param {Record<string, any>} [properties] `class`, `onclick`, `text`, attributes
 * @param {...Node} children
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'text') element.textContent = value;
    else if (name === 'onclick') element.addEventListener('click', value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}
