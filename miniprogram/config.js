/**
 * Where the member center answers. Replace this before uploading: it must be HTTPS and be listed among the
 * mini-program's "request" domains. The browser preview always talks to the server it was loaded from.
 */
const SERVER = 'https://member-center.example.com';

/** How long one request may take before it counts as lost. */
const TIMEOUT_MS = 8000;

module.exports = { SERVER, TIMEOUT_MS };
