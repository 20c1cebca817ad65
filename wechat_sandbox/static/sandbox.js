// Buttons of the phone page. The server renders; this script asks, and puts the answer in its place.

const LOOK_EVERY_MS = 2000

async function post(path, body) {
  const answer = await fetch(`/_sim/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
  return answer.json()
}

function onNewPhone(form) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault()
    const user = form.elements.user.value.trim()
    try {
      await post("users", { user })
      location.href = `/phone/${encodeURIComponent(user)}?lang=${form.dataset.lang}`
    } catch {
      form.querySelector("output").textContent = form.dataset.failed
    }
  })
}

function phonePage(page) {
  const { user, lang, failed, accepted, refused, paid, cancelled } = page.dataset
  const element = (id) => document.getElementById(id)

  function scrollDown() {
    const inbox = page.querySelector(".inbox")
    inbox.scrollTop = inbox.scrollHeight
  }

  // Replaces only what changed, so that a button being pressed does not vanish under the finger.
  async function refresh() {
    const answer = await fetch(`/phone/${encodeURIComponent(user)}/screen?lang=${lang}`)
    if (!answer.ok) return
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html")
    const screen = fresh.getElementById("screen")
    if (screen.innerHTML !== element("screen").innerHTML) {
      element("screen").replaceChildren(...screen.childNodes)
      scrollDown()
    }
    const payments = fresh.getElementById("payments")
    if (payments && payments.innerHTML !== element("payments").innerHTML) {
      element("payments").replaceChildren(...payments.childNodes)
    }
    const official = fresh.getElementById("official")
    if (official && official.innerHTML !== element("official").innerHTML) {
      element("official").replaceChildren(...official.childNodes)
    }
    const old = [...page.querySelectorAll(".subscription .credits")]
    fresh.querySelectorAll(".subscription .credits").forEach((one, place) => {
      if (old[place]) old[place].textContent = one.textContent
    })
  }

  async function payNow(number) {
    const { errMsg } = await post("pay/pay", { out_trade_no: number })
    if (errMsg !== "requestPayment:ok") throw new Error(errMsg)
  }

  async function press(button) {
    const { code, accept, refuse, pay, cancel, follow } = button.dataset
    if (follow) {
      await post("official/follow", { user, follows: follow === "true" })
    } else if (pay) {
      await payNow(pay)
      element("paid").textContent = paid
    } else if (cancel) {
      await post("pay/cancel", { out_trade_no: cancel })
      element("paid").textContent = cancelled
    } else if (code) {
      element("code").textContent = (await post(code, { user })).code
    } else if (accept) {
      await post("subscribe", { user, results: { [accept]: "accept" } })
      element("done").textContent = accepted
    } else if (refuse) {
      await post("settings_reject", { user, template_ids: [refuse] })
      element("done").textContent = refused
    }
    await refresh()
  }

  page.addEventListener("click", async (event) => {
    const button = event.target.closest("button")
    if (!button) return
    button.disabled = true
    try {
      await press(button)
    } catch {
      const { code, pay, cancel } = button.dataset
      element(code ? "code" : pay || cancel ? "paid" : "done").textContent = failed
    } finally {
      button.disabled = false
    }
  })
  scrollDown()
  setInterval(() => { if (!document.hidden) refresh().catch(() => {}) }, LOOK_EVERY_MS)
}

const form = document.getElementById("new-phone")
if (form) onNewPhone(form)
const page = document.getElementById("phone")
if (page) phonePage(page)
