/** All pages that need no session, other than the sign-in page. */
import type { ComponentType } from "react";
import type { VisitorPath } from "./app";
import { Callback } from "./pages/callback";
import { ForgotPassword } from "./pages/forgot-password";
import {
  CancelDeletion,
  ConfirmEmail,
  DisownRegistration,
  SecureAccount,
  UndoEmailChange,
} from "./pages/mailed-actions";
import { Register } from "./pages/register";
import { ResetPassword } from "./pages/reset-password";
import { SignInCode } from "./pages/sign-in-code";
import { SignInLink } from "./pages/sign-in-link";
import { VerifyEmail } from "./pages/verify-email";

const PAGES: Record<VisitorPath, ComponentType> = {
  "/forgot-password": ForgotPassword,
  "/reset-password": ResetPassword,
  "/verify-email": VerifyEmail,
  "/disown-registration": DisownRegistration,
  "/confirm-email": ConfirmEmail,
  "/undo-email-change": UndoEmailChange,
  "/secure-account": SecureAccount,
  "/cancel-deletion": CancelDeletion,
  "/callback": Callback,
  "/register": Register,
  "/sign-in-code": SignInCode,
  "/sign-in-link": SignInLink,
};

export default function Visitor({ path }: { path: VisitorPath }) {
  const Shown = PAGES[path];
  return <Shown />;
}
