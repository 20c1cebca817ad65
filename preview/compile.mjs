/**
 * Reads a native mini-program and turns its WXML and WXSS into what a browser takes. JavaScript is left as it is.
 */
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const { TmplGroup } = createRequire(import.meta.url)('glass-easel-template-compiler');

const read = (file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '');

/** Where a `usingComponents` entry points, from the root of the mini-program. */
function resolveComponent(owner, target) {
  return target.startsWith('/') ? target.slice(1) : path.posix.join(path.posix.dirname(owner), target);
}

/** All pages and the components they use, in the order found. */
function findComponents(root, app) {
  const found = new Map();
  function add(name, isPage) {
    if (found.has(name)) return;
    const json = JSON.parse(read(`${root}/${name}.json`) || '{}');
    json.usingComponents = { ...app.usingComponents, ...json.usingComponents };
    found.set(name, { name, isPage, json });
    for (const target of Object.values(json.usingComponents)) add(resolveComponent(name, target), false);
  }
  app.pages.forEach((page) => add(page, true));
  return [...found.values()];
}

/**
 * WeChat reads `aria-role` as the role of an element, browsers read `role`; and what is a link there must be within
 * reach of a browser's keyboard.
 */
const forBrowser = (wxml) => wxml.replace(/\baria-role="link"/g, '$& tabindex="0"').replace(/\baria-role=/g, 'role=');

/** One code text that evaluates to every template, by name. A warning of the compiler is an error here. */
function compileTemplates(templates) {
  const group = new TmplGroup();
  for (const [name, wxml] of Object.entries(templates)) {
    const faults = group.addTmpl(name, forBrowser(wxml)) || [];
    if (faults.length) throw new Error(`${name}.wxml: ${faults.map((fault) => fault.message).join('; ')}`);
  }
  return group.getTmplGenObjectGroups();
}

/** 750 rpx are the width of the screen, here of the nearest container: the phone's frame. */
const withoutRpx = (wxss) => wxss.replace(/(-?[\d.]+)rpx/g, (_, n) => `${+(n / 7.5).toFixed(4)}cqw`);

/** Rewrites selectors only, never declarations. */
const mapSelectors = (wxss, map) =>
  wxss.replace(/\/\*[\s\S]*?\*\//g, '').replace(/([^{}]+)\{/g, (_, selector) => `${map(selector)}{`);

const appStyles = (wxss) => mapSelectors(withoutRpx(wxss), (s) => s.replace(/(^|[\s,])page(?=[\s,.:]|$)/g, '$1.mp-page'));

/** A page's rules hold on that page alone; CSS nesting says so, and esbuild unrolls it for older browsers. */
const pageStyles = (name, wxss) =>
  `[data-route="${name}"]{${mapSelectors(withoutRpx(wxss), (s) => s.replace(/(^|[\s,])page(?=[\s,.:]|$)/g, '$1&'))}}`;

/** A component's classes get the prefix that the framework puts on them. */
function componentStyles(name, prefix, wxss) {
  const tag = path.posix.basename(path.posix.dirname(name));
  return mapSelectors(withoutRpx(wxss), (selector) =>
    selector.replace(/\.([A-Za-z_][\w-]*)/g, `.${prefix}--$1`).replace(/:host/g, tag),
  );
}

/**
 * @param {string} root folder of the mini-program
 * @param {Record<string, string>} builtIns WXML of elements that the phone brings along
 * @returns {{app: object, components: object[], templates: string, builtIns: string, css: string}}
 */
export function compile(root, builtIns) {
  const app = JSON.parse(read(`${root}/app.json`));
  const components = findComponents(root, app);
  const styles = [appStyles(read(`${root}/app.wxss`))];
  components.forEach((component, index) => {
    const wxss = read(`${root}/${component.name}.wxss`);
    if (component.isPage) {
      styles.push(pageStyles(component.name, wxss));
    } else {
      component.scope = `c${index}`;
      styles.push(componentStyles(component.name, component.scope, wxss));
    }
  });
  return {
    app,
    components,
    templates: compileTemplates(Object.fromEntries(components.map(({ name }) => [name, read(`${root}/${name}.wxml`)]))),
    builtIns: compileTemplates(builtIns),
    css: styles.join('\n'),
  };
}
