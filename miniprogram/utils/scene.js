/**
 * What the picture of a mini-program code tells the page it opens; WeChat hands it over encoded. Each page has scenes of
 * its own: a claim key on the page of invites is no invite.
 * @param {{scene?: string}} query
 */
function sceneIn({ scene = '' }) {
  try {
    return decodeURIComponent(scene);
  } catch {
    return scene;
  }
}

module.exports = { sceneIn };
