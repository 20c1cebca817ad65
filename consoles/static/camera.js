// Reading codes with the device's camera: one decoder for every browser, its own dialog, every fault in plain words.

import { kindOf, plain } from "./codes.js";

const EVERY_MS = 120;
const WHAT = { formats: ["QRCode", "Code128"], tryHarder: true, maxNumberOfSymbols: 1 };
const FAULTS = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "none",
  OverconstrainedError: "none",
};

export class Camera {
  /** Calls `heard(kind, code)` for a member or payment code, with the camera switched off and the dialog closed. */
  constructor(dialog, heard) {
    this.dialog = dialog;
    this.heard = heard;
    this.view = dialog.querySelector(".camera-view");
    this.video = dialog.querySelector("video");
    this.torch = dialog.querySelector("[data-do=torch]");
    this.other = dialog.querySelector("[data-do=switch-camera]");
    this.devices = [];
    dialog.addEventListener("close", () => this.stop());
    this.torch.addEventListener("click", () => this.toggleTorch());
    this.other.addEventListener("click", () => this.next());
    document.addEventListener("visibilitychange", () => document.hidden && this.close());
  }

  async open() {
    this.dialog.showModal();
    // A browser lets a page sound only where a finger asked for it: here.
    this.sound ??= window.AudioContext && new AudioContext();
    this.say("starting");
    if (!window.isSecureContext || !navigator.mediaDevices) return this.say("insecure");
    await this.start({ facingMode: { ideal: "environment" } });
  }

  close() {
    if (this.dialog.open) this.dialog.close();
  }

  stop() {
    this.run = null;
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.awake?.release().catch(() => {});
    this.awake = null;
    this.video.srcObject = null;
    this.view.hidden = this.torch.hidden = this.other.hidden = true;
  }

  say(word) {
    this.dialog.querySelector(".camera-says").textContent = this.dialog.dataset[word];
    this.dialog.dataset.state = word;
  }

  async start(which) {
    this.stop();
    const run = (this.run = {});
    const decoder = this.decoder();
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...which, width: { ideal: 1280 } } });
    } catch (fault) {
      if (this.run === run) this.say(FAULTS[fault.name] || "busy");
      return;
    }
    // Closed, or another camera chosen, while the browser asked for permission.
    if (this.run !== run) return stream.getTracks().forEach((track) => track.stop());
    this.stream = stream;
    this.video.srcObject = stream;
    this.view.hidden = false;
    await this.video.play().catch(() => {});
    if (!(await decoder)) return this.run === run && (this.stop(), this.say("broken"));
    await this.stayAwake(run);
    if (this.run !== run) return;
    this.say("hint");
    await this.offerButtons(run);
    await this.look(run);
  }

  /** Whether the reader is there; it is loaded when the camera is first opened. */
  decoder() {
    const locateFile = () => document.body.dataset.wasm;
    return ZXingWASM.prepareZXingModule({ overrides: { locateFile }, fireImmediately: true }).then(
      () => true,
      () => false,
    );
  }

  async offerButtons(run) {
    const devices = await navigator.mediaDevices.enumerateDevices();
    if (this.run !== run) return;
    this.devices = devices.filter((device) => device.kind === "videoinput");
    this.other.hidden = this.devices.length < 2;
    const [track] = this.stream.getVideoTracks();
    this.torch.hidden = !(track.getCapabilities && track.getCapabilities().torch);
    this.torch.setAttribute("aria-pressed", "false");
  }

  async look(run) {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d", { willReadFrequently: true });
    while (this.run === run) {
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      if (this.run !== run || this.video.readyState < 2) continue;
      canvas.width = this.video.videoWidth;
      canvas.height = this.video.videoHeight;
      context.drawImage(this.video, 0, 0);
      const [hit] = await ZXingWASM.readBarcodes(context.getImageData(0, 0, canvas.width, canvas.height), WHAT);
      const kind = hit ? kindOf(plain(hit.text)) : "other";
      if (this.run !== run || kind === "other") continue;
      this.close();
      this.signal();
      this.heard(kind, plain(hit.text));
    }
  }

  /** A screen that goes dark switches the camera off. */
  async stayAwake(run) {
    const awake = await navigator.wakeLock?.request("screen").catch(() => null);
    if (this.run === run) this.awake = awake;
    else awake?.release().catch(() => {});
  }

  /** What a scanner gun does when it has read: whoever aims need not look. */
  signal() {
    navigator.vibrate?.(80);
    if (this.sound?.state !== "running") return;
    const beep = new OscillatorNode(this.sound, { frequency: 1_800 });
    beep.connect(new GainNode(this.sound, { gain: 0.1 })).connect(this.sound.destination);
    beep.start();
    beep.stop(this.sound.currentTime + 0.09);
  }

  async toggleTorch() {
    const on = this.torch.getAttribute("aria-pressed") !== "true";
    const [track] = this.stream.getVideoTracks();
    await track.applyConstraints({ advanced: [{ torch: on }] }).then(
      () => this.torch.setAttribute("aria-pressed", String(on)),
      () => (this.torch.hidden = true),
    );
  }

  async next() {
    const current = this.stream.getVideoTracks()[0].getSettings().deviceId;
    const at = this.devices.findIndex((device) => device.deviceId === current);
    const { deviceId } = this.devices[(at + 1) % this.devices.length];
    await this.start({ deviceId: { exact: deviceId } });
  }
}
