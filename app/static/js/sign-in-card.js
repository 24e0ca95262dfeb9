/** <sign-in-card>: the card to sign in with, or what keeps it from being read. */

import { LiveCards } from "./live-cards.js";

class SignInCard extends LiveCards {}

customElements.define("sign-in-card", SignInCard);
