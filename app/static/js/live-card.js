/** <live-card>: the card in the reader, or what keeps it from being read, for nobody signed in. */

import { LiveCards } from "./live-cards.js";

class LiveCard extends LiveCards {}

customElements.define("live-card", LiveCard);
