/** Which phone this is, and what can be done to it from outside: cut its network, take a screenshot. */

const query = new URLSearchParams(location.search);

const listeners = { capture: new Set(), network: new Set() };

export const phone = {
  /** The WeChat user who owns it, known to the sandbox by this name. Two tabs can be two phones. */
  user: query.get('user') || 'demo',
  /** The code of a friend's invite, whose link was opened; empty if none was. */
  invite: query.get('invite') || '',
  /** What a mini-program code that was scanned holds, as the sandbox draws it: page?scene=…; empty if none was. */
  scanned: query.get('scan') || '',
  /** The language WeChat is set to, as WeChat spells it. */
  language: (query.get('lang') || navigator.language).toLowerCase().startsWith('zh') ? 'zh_CN' : 'en',
  /** Address of the stand-in for WeChat's servers. */
  sandbox: '',
  /** The name of the mini-program, which WeChat shows when it asks for a permission. */
  brand: '',
  offline: false,
};

/** @param {'capture' | 'network'} what @param {(detail: any) => void} listener */
export const listen = (what, listener) => listeners[what].add(listener);

export function captureScreen() {
  listeners.capture.forEach((listener) => listener({ errMsg: 'ok' }));
}

/** @param {boolean} offline */
export function setOffline(offline) {
  phone.offline = offline;
  const isConnected = !offline && navigator.onLine;
  listeners.network.forEach((listener) => listener({ isConnected, networkType: isConnected ? 'wifi' : 'none' }));
}

addEventListener('online', () => setOffline(phone.offline));
addEventListener('offline', () => setOffline(phone.offline));

/** Whatever server the mini-program is set to: here it is the one the page came from. @param {string} url */
export const onThisServer = (url) => url.replace(/^https?:\/\/[^/]+/, '');

/** Asks the stand-in for WeChat to do what WeChat's app would. @param {string} path @param {object} body */
export async function sandbox(path, body) {
  if (phone.offline) throw new Error('offline');
  const answer = await fetch(phone.sandbox + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ user: phone.user, ...body }),
    credentials: 'omit',
  });
  if (!answer.ok) throw new Error(`sandbox answered ${answer.status}`);
  return answer.status === 204 ? {} : answer.json();
}

/** The texts of the phone itself, as WeChat would show them in its own language. */
const TEXTS = {
  zh_CN: {
    ok: '确定',
    cancel: '取消',
    allow: '允许',
    refuse: '拒绝',
    subscribe: '{brand} 申请向您发送以下消息',
    subscribeItem: '积分到账通知（一次性）',
    phoneTitle: '{brand} 申请获取并验证你的手机号',
    pay: '微信支付',
    back: '返回',
    newMark: '有新消息',
    aside: '小程序预览',
    asideBody: '这里运行的就是小程序本身的代码；微信由沙箱代替。',
    who: '当前手机',
    another: '再打开一部手机',
    capture: '模拟截屏',
    network: '断开网络',
  },
  en: {
    ok: 'OK',
    cancel: 'Cancel',
    allow: 'Allow',
    refuse: 'Refuse',
    subscribe: '{brand} asks to send you this message',
    subscribeItem: 'Points received (once)',
    phoneTitle: '{brand} asks for your verified phone number',
    pay: 'WeChat Pay',
    back: 'Back',
    newMark: 'new messages',
    aside: 'Mini-program preview',
    asideBody: 'This is the code of the mini-program itself. A sandbox takes the place of WeChat.',
    who: 'This phone',
    another: 'Open another phone',
    capture: 'Take a screenshot',
    network: 'Cut the network',
  },
};

/** @param {keyof typeof TEXTS.en} word */
export const say = (word) => TEXTS[phone.language][word].replace('{brand}', phone.brand);
