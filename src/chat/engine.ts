/** The turn loop. (Interface sketch; owned by the chat work.) */
export interface ChatEngine {
  readonly placeholder: true;
}
