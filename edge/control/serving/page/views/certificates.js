// Certificates, those that end first at the top.

import { h } from "../dom.js";
import { ago, count, moment, number } from "../format.js";
import { badge, code } from "../parts/marks.js";
import { Searched } from "../parts/searched.js";

const TONES = { valid: "ok", ending: "warning", expired: "error", "not yet valid": "warning", unknown: "idle" };
const SHOWN = 3;

export default class Certificates extends Searched {
  constructor(parameters, move) {
    super(parameters, move, {
      path: "certificates",
      title: "Certificates",
      hint: "Name, issuer, Secret or host",
      key: (one) => JSON.stringify([one.secret, one.serial, one.default]),
      columns: [
        { title: "Names", kind: "wide", of: ({ names, common_name, secret, default: usual }) => ({ names, common_name, secret, usual }), show: names },
        { title: "State", of: (one) => one.state, show: (state) => badge(TONES[state] ?? "idle", state) },
        { title: "Ends", kind: "still", of: (one) => ago(one.not_after), show: (text, one) => h("span", { title: moment(one.not_after) }, text) },
        { title: "Issuer", kind: "name", of: ({ issuer, issuer_organization, algorithm }) => ({ issuer, issuer_organization, algorithm }), show: issuer },
        { title: "Shown by", kind: "name", of: ({ hosts, hosts_total }) => ({ hosts, hosts_total }), show: hosts },
        { title: "Warnings", kind: "wide", of: (one) => one.warnings, show: warnings },
      ],
    });
  }

  describe({ all, total }, searched) {
    const whole = count(all, "certificate");
    return [searched ? `${number(total)} of ${whole}` : whole, all ? "No certificate contains all of these words." : "There is no certificate."];
  }

  hear(name, data) {
    if (name === "changes" && data.changes.some((one) => one.touched.certificates.total || one.touched.hosts.total)) this.refresh.quietly();
  }
}

function few(several, total, show) {
  const more = total - Math.min(several.length, SHOWN);
  return h("ul", {}, several.slice(0, SHOWN).map((one) => h("li", {}, show(one))), more > 0 && h("li", { class: "faint" }, `and ${number(more)} more`));
}

function names({ names: all, common_name: common, secret, usual }) {
  const under = [secret ? `Secret ${secret.namespace}/${secret.name}` : "made by Edge", usual && "default"].filter(Boolean).join(" · ");
  return [few(all.length ? all : [common || "–"], Math.max(all.length, 1), (one) => code(one)), h("div", { class: "under" }, under)];
}

function issuer({ issuer: name, issuer_organization: organization, algorithm }) {
  return [h("p", {}, name || organization || "–"), h("p", { class: "under" }, [name && organization, algorithm].filter(Boolean).join(" · "))];
}

function hosts({ hosts: several, hosts_total: total }) {
  return total ? few(several, total, (one) => code(one)) : h("span", { class: "faint" }, "no host");
}

function warnings(several) {
  return several.length ? h("ul", {}, several.map((one) => h("li", { class: "is-warning" }, one))) : "–";
}
