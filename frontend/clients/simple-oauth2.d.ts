/** It brings no types. */
declare module "simple-oauth2";
