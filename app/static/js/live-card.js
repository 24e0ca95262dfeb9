/** <live-card>: the card in the reader, or what keeps it from being read, for nobody signed in. */

import { LiveCards } from "./live-cards.js";

class LiveCard extends LiveCards {
  /** With [all-cards] none is meant more than another: each that comes is shown. @override */
  look() {
    if (this.hasAttribute("all-cards")) this.seat = null;
    super.look();
  }
}

customElements.define("live-card", LiveCard);
