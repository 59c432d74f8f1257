// The views, in the order of the menu.

import type { FunctionComponent } from "preact";
import { ConsoleView } from "./console";
import { OverviewView } from "./overview";
import { RegistrationsView } from "./registrations";
import { SessionsView } from "./sessions";
import { SubscriptionsView } from "./subscriptions";
import { TailView } from "./tail";
import { TroubleView } from "./trouble";

export interface View {
  path: string;
  title: string;
  Component: FunctionComponent;
}

export const VIEWS: View[] = [
  { path: "overview", title: "Overview", Component: OverviewView },
  { path: "sessions", title: "Sessions", Component: SessionsView },
  { path: "registrations", title: "Registrations", Component: RegistrationsView },
  { path: "subscriptions", title: "Subscriptions", Component: SubscriptionsView },
  { path: "trouble", title: "Trouble", Component: TroubleView },
  { path: "console", title: "Console", Component: ConsoleView },
  { path: "tail", title: "Live tail", Component: TailView },
];
