/** The longest delay that a timer of Node takes, in milliseconds (24.8 days). A longer one would fire at once. */
export const MAX_TIMER_MS = 2_147_483_647;
