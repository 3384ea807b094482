/** Of this software, as daemons tell it; a test holds it equal to that of every package. */
export const version = "0.1.0";
