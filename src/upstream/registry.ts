/** Which provider answers for a model name. (Interface sketch; owned by the chat work.) */
export interface ModelRegistry {
  readonly placeholder: true;
}
