// Makes telegram.json with Node's crypto, independently of the Python under test:
//   node tests/app/identity_platforms/vectors/make_telegram_vectors.mjs > tests/app/identity_platforms/vectors/telegram.json
// "published" is the sample in the documentation of init-data-golang (docs.telegram-mini-apps.com); the script
// stops when its own signing does not come to the published hash. All tokens are samples, no bot answers to them.
import { createHmac } from "node:crypto";

const hmac = (key, text) => createHmac("sha256", key).update(text);
const form = (pairs) => new URLSearchParams(pairs).toString();

function sign(botToken, pairs) {
  const lines = pairs.map(([key, value]) => [key, `${key}=${value}`]);
  lines.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return hmac(hmac("WebAppData", botToken).digest(), lines.map(([, line]) => line).join("\n")).digest("hex");
}

const published = {
  name: "published",
  bot_id: "7342037359",
  bot_secret: "AAHI25ES9xCOMPokpYoz-p8XVrZUdygo2J4",
  auth_date: 1733509682,
  user_id: "279058397",
  init_data:
    "user=%7B%22id%22%3A279058397%2C%22first_name%22%3A%22Vladislav%20%2B%20-%20%3F%20%5C%2F%22%2C%22last_name%22%3A%22Kibenko%22%2C%22username%22%3A%22vdkfrost%22%2C%22language_code%22%3A%22ru%22%2C%22is_premium%22%3Atrue%2C%22allows_write_to_pm%22%3Atrue%2C%22photo_url%22%3A%22https%3A%5C%2F%5C%2Ft.me%5C%2Fi%5C%2Fuserpic%5C%2F320%5C%2F4FPEE4tmP3ATHa57u6MqTDih13LTOiMoKoLDRG4PnSA.svg%22%7D&chat_instance=8134722200314281151&chat_type=private&auth_date=1733509682&signature=TYJxVcisqbWjtodPepiJ6ghziUL94-KNpG8Pau-X7oNNLNBM72APCpi_RKiUlBvcqo5L-LAxIc3dnTzcZX_PDg&hash=a433d8f9847bd6addcc563bff7cc82c89e97ea0d90c11fe5729cae6796a36d73",
};
const pairs = [...new URLSearchParams(published.init_data)];
const token = `${published.bot_id}:${published.bot_secret}`;
if (sign(token, pairs.filter(([key]) => key !== "hash")) !== new URLSearchParams(published.init_data).get("hash")) {
  throw new Error("the published sample does not verify");
}

const bot = { bot_id: "1000000001", bot_secret: "SAMPLE-bot-secret_that-no-bot-has-01" };
const made = (name, user, more = [], authDate = 1763773200) => {
  const fields = [["auth_date", String(authDate)], ...(user === null ? [] : [["user", user]]), ...more];
  const hash = sign(`${bot.bot_id}:${bot.bot_secret}`, fields);
  return { name, ...bot, auth_date: authDate, init_data: form([...fields, ["hash", hash]]) };
};
const user = (fields) => JSON.stringify({ id: 42, first_name: "小明", ...fields });

const genuine = [
  made("plain", user({})),
  made("with_signature_and_query_id", user({}), [["signature", "c2ln"], ["query_id", "AAHdF6IQAAAAAN0XohDhrOrc"]]),
  made("emoji_plus_and_line_break", user({ first_name: "a+b &=%\n🐼", last_name: "é" })),
  made("empty_value", user({}), [["start_param", ""]]),
  made("keys_that_sort_before_and_after", user({}), [["a", "1"], ["z_last", "2"], ["auth", "3"], ["Z", "4"]]),
  made("largest_id", user({ id: 9007199254740991 })),
];
const genuineButNobody = [
  made("no_user", null),
  made("user_is_text", "42"),
  made("user_is_not_json", "{"),
  made("user_without_id", JSON.stringify({ first_name: "x" })),
  made("id_is_text", user({ id: "42" })),
  made("id_is_true", user({ id: true })),
  made("id_is_negative", user({ id: -42 })),
  made("id_is_a_fraction", user({ id: 4.2 })),
  made("a_bot", user({ is_bot: true })),
  made("auth_date_is_not_a_number", user({}), [], "yesterday"),
  made("auth_date_is_negative", user({}), [], "-1"),
];
console.log(JSON.stringify({ published, genuine, genuine_but_nobody: genuineButNobody }, null, 2));
