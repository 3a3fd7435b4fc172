import { Query, Resolver } from "type-graphql";
import { CAM_ERROR_CATALOGUE } from "../../contract/index.ts";
import { CamErrorInfo } from "./cam-error-info.type.ts";

@Resolver()
export class CamErrorResolver {
  @Query(() => [CamErrorInfo], { description: "The catalogue of business errors, as data." })
  camErrors(): readonly CamErrorInfo[] {
    return CAM_ERROR_CATALOGUE;
  }
}
